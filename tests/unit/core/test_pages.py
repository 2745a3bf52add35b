"""The last ten pages of a row: by time, each with its title, however few titles are written down."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.packing import pack, unpack
from engine.core.pages import kept_pages, place_of, shown_pages, title_of, with_page, with_reading, without_first
from engine.core.profile import PAGES_MAX, Row, StoredPage
from tests.stories import LAWFUL

_titles = st.sampled_from((None, "", "Home", "Prices"))
_views = st.lists(st.tuples(st.integers(-3, 12), st.sampled_from(("/", "/a")), _titles), max_size=16)
Views = list[tuple[int, str, str | None]]


def seen(views: Views) -> list[StoredPage]:
    pages: list[StoredPage] = []
    for at, path, title in views:
        pages = with_page(pages, at, path, title)
    return pages


@LAWFUL
@given(_views)
def test_the_last_ten_by_time_are_shown_as_they_were_seen(views: Views) -> None:
    """Those of the same time in the order in which they came."""
    expected = sorted((StoredPage(*view) for view in views), key=lambda page: page.at)[-PAGES_MAX:]
    assert shown_pages(seen(views)) == expected
    assert [title_of(seen(views), place) for place in range(len(expected))] == [page.title for page in expected]


@LAWFUL
@given(_views)
def test_a_title_is_written_once_for_neighbours_that_share_it(views: Views) -> None:
    """The same pages are held in the same way, whichever way they came; the first has its own title."""
    pages = seen(views)
    assert pages == kept_pages(shown_pages(pages))
    assert all(page.title is not True for page in pages[:1])
    shown = shown_pages(pages)
    for before, page, held in zip(shown, shown[1:], pages[1:], strict=False):
        assert (held.title is True) == (page.title is not None and page.title == before.title)


@LAWFUL
@given(_views)
def test_without_the_oldest_the_others_stay_as_they_are(views: Views) -> None:
    pages = seen(views)
    assert shown_pages(without_first(pages)) == shown_pages(pages)[1:]


@LAWFUL
@given(_views)
def test_pages_come_back_from_their_bytes(views: Views) -> None:
    row = Row(born_ms=0, anonymous=True, pages=seen(views))
    assert unpack(pack(row, None)).pages == seen(views)


def test_how_long_a_page_was_read_is_written_down_with_the_newest_of_its_time() -> None:
    pages = seen([(0, "/", "Home"), (5, "/a", "Home"), (5, "/b", "Home"), (9, "/c", None)])
    assert (place_of(pages, 5), place_of(pages, 6)) == (2, -1)
    read = with_reading(pages, 2, 4_000)
    assert [(page.path, page.read_ms) for page in shown_pages(read)] == [
        ("/", None), ("/a", None), ("/b", 4_000), ("/c", None)
    ]  # fmt: skip
    assert title_of(read, 2) == "Home"
    assert pages[2].read_ms is None
