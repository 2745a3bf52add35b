"""The packed row of a lead."""

from engine.core.profile import Row, pack, packed_page, pages, unpack
from tests.build import T0, Profiles, model, page, segment

SPEC = {"engagement": {"view": {"when": {"event": "page_view"}, "points": 1}}}


def test_rows_packed_by_an_earlier_version_are_read() -> None:
    """Fields may be added behind the others, never moved: a changelog outlives the program."""
    packed = bytes.fromhex(
        "dc0012cf000001a205b3d000c305ff05a175c0c20081a47669657793cb3ff8000000000000050281a1610190c400c4008080c0c2"
    )
    assert unpack(packed) == Row(
        born_ms=T0, anonymous=True, now=5, first=-1, last=5, user="u", ledger={"view": (1.5, 5, 2)}, counts={"a": 1}
    )


def test_a_row_of_fewer_fields_is_filled_with_defaults() -> None:
    assert unpack(b"\x92\x01\xc3") == Row(born_ms=1, anonymous=True)


def test_a_visitor_who_looked_at_one_page_takes_little_room() -> None:
    """Millions of them stand in memory: under 100 bytes each."""
    fed = Profiles(model(SPEC))
    fed.feed(page("/products/insurance", messageId="0f9c2d3e-1111-4222-8333-444455556666"))
    assert len(fed.lanes[0][b"ada"]) < 100


def test_the_largest_row_stays_under_4_kib() -> None:
    fed = Profiles(model(SPEC))
    fed.feed(*[page("/" + "p" * 64, T0 + number, messageId=str(number)) for number in range(70)])
    fed.feed(segment("identify", userId="u" * 500, traits=dict.fromkeys(("email", "name", "title"), "x" * 254)))
    assert len(fed.lanes[0][b"ada"]) < 4096


def test_pages_come_back_as_they_were_put() -> None:
    row = Row(born_ms=T0, anonymous=True, pages=[packed_page(-5, "/a", None), packed_page(7, "/b", "B")])
    assert [(one.at, one.path, one.title) for one in pages(unpack(pack(row)))] == [(-5, "/a", None), (7, "/b", "B")]
