"""Every command of docs/ does what its page says, in its order, on a real Kafka and a real Redis.

Only `docker` commands are left out: they build and run what the others run here without it. The longest pages are
followed in `test_operations.py`, so that both can run side by side.
"""

from pathlib import Path

import pytest

from tests.docs.conftest import Follow
from tests.docs.pages import OPERATIONS, ROOT, followed

pytestmark = pytest.mark.timeout(600)
PAGES = followed(lambda page: page.stem not in OPERATIONS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_does_what_it_says(page: Path, follow: Follow) -> None:
    """From the first to the last, as somebody who follows the page would run them."""
    follow(page)
