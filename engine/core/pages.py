"""The last pages of a row, oldest first: what a visitor read and for how long.

A title is written once for pages in a row that share it, as those of many sites do: half of a small row is pages.
"""

from collections.abc import Iterable

from engine.core.profile import PAGES_MAX, StoredPage

Pages = list[StoredPage]
"""Up to ten pages by time; it is shared between rows and never written into."""


def with_page(pages: Pages, at: int, path: str, title: str | None) -> Pages:
    """`pages` with one more; it comes behind those of the same time, and is left out if it is older than ten."""
    if pages and pages[-1].at > at:
        shown = shown_pages(pages)
        place = next(place for place, page in enumerate(shown) if page.at > at)
        return kept_pages([*shown[:place], StoredPage(at, path, title), *shown[place:]])
    same = title is not None and bool(pages) and title_of(pages, len(pages) - 1) == title
    if len(pages) >= PAGES_MAX:
        pages = without_first(pages)
    return [*pages, StoredPage(at, path, True if same else title)]


def with_reading(pages: Pages, place: int, read_ms: int) -> Pages:
    """`pages` of which the one at `place` was read for so long."""
    page = pages[place]
    changed = pages.copy()
    changed[place] = StoredPage(page.at, page.path, page.title, read_ms)
    return changed


def without_first(pages: Pages) -> Pages:
    """`pages` without the oldest."""
    kept = pages[1:]
    if kept and kept[0].title is True:
        kept[0] = StoredPage(kept[0].at, kept[0].path, pages[0].title, kept[0].read_ms)
    return kept


def place_of(pages: Pages, at: int) -> int:
    """Where the newest of the pages seen at `at` stands; -1: there is none."""
    place = len(pages) - 1
    while place >= 0 and pages[place].at != at:
        place -= 1
    return place


def title_of(pages: Pages, place: int) -> str | None:
    """The title of the page at `place`."""
    title = pages[place].title
    while title is True:
        place -= 1
        title = pages[place].title
    return title if isinstance(title, str) else None


def shown_pages(pages: Pages) -> list[StoredPage]:
    """The pages, each with its title."""
    shown: list[StoredPage] = []
    title: str | bool | None = None
    for page in pages:
        title = title if page.title is True else page.title
        shown.append(StoredPage(page.at, page.path, title, page.read_ms))
    return shown


def kept_pages(shown: Iterable[StoredPage]) -> Pages:
    """The last ten of pages in order, each with its title, as a row holds them."""
    kept: Pages = []
    before: str | bool | None = None
    for page in [*shown][-PAGES_MAX:]:
        same = page.title is not None and page.title == before
        kept.append(StoredPage(page.at, page.path, True if same else page.title, page.read_ms))
        before = page.title
    return kept
