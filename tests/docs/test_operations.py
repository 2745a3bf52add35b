"""As `test_commands.py`: the how-tos for a cluster at work, whose commands take longest."""

from pathlib import Path

import pytest

from tests.docs.conftest import Follow
from tests.docs.pages import OPERATIONS, ROOT, followed

pytestmark = pytest.mark.timeout(600)
PAGES = followed(lambda page: page.stem in OPERATIONS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_does_what_it_says(page: Path, follow: Follow) -> None:
    """From the first to the last, as somebody who follows the page would run them."""
    follow(page)
