"""What a visitor may send to hurt: texts, numbers and shapes, for any field of an event."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.build import T0, segment

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "null",
    "undefined",
    "NaN",
    "-Infinity",
    "1e999",
    "0x1F",
    "1_000",
    "١٢٣",
    "½",
    "true",
    "TRUE",
    "$1.00",
    "1,5",
    "\u202egnp.exe",
    "\u2066\u2069\u200f\u061c",
    "\ufeff",
    "\u2028\u2029",
    "\x1b[31m",
    "\x7f\x80\x9f",
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "👩‍👩‍👧‍👧🇺🇸",
    "ÅÅﬁK",
    "ẞßſİı",
    "田中さんにあげて下さい",
    "<script>alert(1)</script>",
    "'; DROP TABLE leads; --",
    "{traits.title}{{7*7}}${7*7}%s%n",
    "../../../../etc/passwd%00",
    "=cmd|' /C calc'!A0",
    "a" * 600,
    "\U0001f525" * 400,
    "*?[" * 100,
    "(a+)+$" * 50,
    "@" * 300,
    "a@b." * 80,
    "9" * 5_000,
    "-0",
    "2026-02-30T25:61:61Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
)
texts = st.one_of(
    st.sampled_from(TEXTS), st.text(max_size=40), st.builds(lambda text: text * 4_000, st.text(max_size=3))
)
numbers: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from((0, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**64), 10**300, 1e308, 5e-324, -0.0)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
)


def nested(depth: int) -> Any:
    """Lists and objects in turn, so deep."""
    value: Any = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


values: st.SearchStrategy[Any] = st.one_of(
    texts,
    numbers,
    st.sampled_from((None, True, False, [], {}, [[]], {"": ""})),
    st.lists(st.one_of(texts, numbers), max_size=4),
    st.dictionaries(texts, st.one_of(texts, numbers), max_size=4),
    st.sampled_from((5, 40, 63, 64, 65, 200)).map(nested),
    st.sampled_from((50, 5_000)).map(lambda count: {f"k{number}": "v" * 20 for number in range(count)}),
    st.sampled_from((100_000, 1_000_000)).map(lambda count: "x" * count),
)
PLACES = (
    "type event name anonymousId userId messageId timestamp originalTimestamp sentAt receivedAt groupId previousId "
    "properties properties.revenue properties.seconds properties.form_id properties.product properties.percent "
    "traits traits.title traits.email traits.phone traits.age traits.country traits.industry traits.address "
    "context context.page context.page.path context.page.url context.page.title context.page.referrer "
    "context.page.search context.campaign context.campaign.source context.campaign.medium context.ip "
    "context.userAgent context.locale context.location.country context.location.city context.channel"
).split()
NAMES = (
    "page_view form_start form_submit click purchase add_to_cart begin_checkout video_progress demo_request "
    "identify group alias unsubscribe heartbeat page_leave chat"
).split()


def put(event: dict[str, Any], place: str, value: Any) -> None:
    """Set a field by its dotted name; what stands in the way gives way."""
    *heads, last = place.split(".")
    for head in heads:
        if not isinstance(event.get(head), dict):
            event[head] = {}
        event = event[head]
    event[last] = value


@st.composite
def events(draw: st.DrawFn, place: int) -> bytes:
    """A record's value: an event that is sound but for up to three of its fields."""
    event = segment(draw(st.sampled_from(NAMES)), T0 + place * 60_000, "ada", messageId=f"m{place}")
    for where, value in draw(st.lists(st.tuples(st.sampled_from(PLACES), values), min_size=1, max_size=3)):
        put(event, where, value)
    return json.dumps(event, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


garbage = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        (b"", b"null", b"[]", b'"x"', b"{", b"[" * 10_000, b'{"a":' * 10_000, b"\xef\xbb\xbf{}", b"{}\x00")
    ),
    st.sampled_from(
        (
            b'{"type":"track","event":"chat","anonymousId":"\\ud800"}',
            b'{"type":"track","event":"chat","anonymousId":"ada","properties":{"revenue":NaN}}',
            b'{"type":"track","event":"purchase","anonymousId":"ada","properties":{"revenue":1e999}}',
            b'{"type":"track","event":"chat","event":"chat","anonymousId":"ada","anonymousId":"bob"}',
        )
    ),
)
