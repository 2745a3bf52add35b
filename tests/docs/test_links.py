"""Links: each leads somewhere, and every document can be found."""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, documents, links

DOCUMENTS = documents()
README = ROOT / "README.md"


def target(page: Path, link: str) -> Path:
    """The file that a relative link leads to; a folder's page where it names a folder."""
    path = link.partition("#")[0]
    found = (page.parent / path).resolve() if path else page
    return found / "README.md" if found.is_dir() and (found / "README.md").exists() else found


def relative(page: Path) -> list[tuple[int, str]]:
    return [
        (line, link) for line, link in links(page.read_text()) if "://" not in link and not link.startswith("mailto:")
    ]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    """In our own files, by paths that hold in any checkout."""
    wrong = []
    for line, link in relative(page):
        found, anchor = target(page, link), link.partition("#")[2]
        if not found.exists() or not found.is_relative_to(ROOT):
            wrong.append(f"{page}:{line}: {link} leads nowhere")
        elif anchor and found.suffix == ".md" and anchor not in anchors(found.read_text()):
            wrong.append(f"{page}:{line}: {found.name} has no heading {anchor}")
    assert not wrong, "\n".join(wrong)


def test_every_document_can_be_reached_from_the_readme() -> None:
    """What nothing links to, nobody reads."""
    reached, waiting = {README}, [README]
    while waiting:
        page = waiting.pop()
        for _, link in relative(page):
            found = target(page, link)
            if found.suffix == ".md" and found.exists() and found not in reached:
                reached.add(found)
                waiting.append(found)
    assert not {str(page.relative_to(ROOT)) for page in DOCUMENTS if page not in reached}
