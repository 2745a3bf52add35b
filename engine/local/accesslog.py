r"""Apache access logs, common and combined: every line that parses becomes one Segment event. Pure.

* A `GET` of a file to keep (pdf, zip, …) that was answered with 200, 206 or 304 is a `file_download`; any other
  request, whatever its method and status, is a `page`. Requests for images, styles, scripts and fonts are pages too,
  so that no line vanishes; they carry `properties.asset: true`, for rules to leave out.
* The visitor is a hash of address and user agent, the `messageId` a hash of the line: a line that is there twice, or
  a log that is fed twice, counts once.
* A log knows neither the site's name nor a page's title: `url` is the request's target as logged.
* Apache writes quotes, backslashes and bytes that do not print as `\"`, `\\`, `\n` and `\xhh`; they are put back.
"""

import re
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

from xxhash import xxh3_128_hexdigest

from engine.core.cloudevents import derived_id
from engine.core.instants import from_datetime
from engine.local.parsed import Parsed, Unparsed

# GA4's list for `file_download` without txt (robots.txt is no download), and what else people keep.
_DOWNLOAD = re.compile(
    "7z|avi|csv|docx?|exe|gz|key|midi?|mov|mp3|mp4|mpe?g|pdf|pkg|pps|pptx?|rar|rtf|wav|wma|wmv|xlsx?|zip"
    "|apk|bz2|deb|dmg|epub|ics|iso|jar|mobi|msi|od[pst]|rpm|tar|tgz|xz"
)
_ASSET = re.compile("avif|bmp|css|eot|gif|ico|jpe?g|m?js|map|otf|png|svg|tiff?|ttf|webp|woff2?")

_DELIVERED = frozenset({200, 206, 304})
_QUERY_FIELDS_MAX = 100
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_CAMPAIGN = {"source": "source", "medium": "medium", "campaign": "name", "term": "term", "content": "content"}
_QUOTED = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'

# In the order of the line, so that the first that does not match names what is wrong.
_PIECES = (
    ("the address", rb"(\S+) "),
    ("the identity and user before the time", rb"\S+ [^\"\[]* ?(?<= )"),
    ("the time, such as [17/May/2015:10:05:03 +0000],", rb"\[([^\]]*)\] "),
    ("the request in quotes", _QUOTED + rb" "),
    ("the status of three digits", rb"(\d{3}) "),
    ("the number of bytes, or -,", rb"(\d{1,19}|-)"),
    ("the end or the referrer in quotes", rb"(?:$| " + _QUOTED + rb")"),
    ("the user agent in quotes", rb"(?(6) " + _QUOTED + rb"(?: .*)?)$"),
)
_PREFIXES = [
    (name, re.compile(b"".join(pattern for _, pattern in _PIECES[: n + 1]), re.DOTALL))
    for n, (name, _) in enumerate(_PIECES)
]
_LINE = _PREFIXES[-1][1]
_TIME = re.compile(rb"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_REQUEST = re.compile(r"([A-Za-z][A-Za-z0-9_-]*) +(\S.*)", re.DOTALL)
_PROTOCOL = re.compile(r" HTTP/\d(?:\.\d)?$")
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_PLAIN_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"b": b"\b", b"f": b"\f"}


def parse_line(line: bytes) -> Parsed | Unparsed:
    """The event of one line of a log, without its line end. Never raises."""
    match = _LINE.match(line)
    if match is None:
        return Unparsed(_what_is_wrong(line))
    address, moment, request, status, size, referrer, agent = match.groups()
    time_ms = _time_ms(moment)
    if time_ms is None:
        return Unparsed(f"the time is [{_shown(moment)}]; expected one such as [17/May/2015:10:05:03 +0000]")
    requested = _REQUEST.fullmatch(_PROTOCOL.sub("", _text(request)).rstrip())
    if requested is None:
        return Unparsed(f'the request is "{_shown(request)}"; expected one such as "GET /pricing HTTP/1.1"')
    method, target = requested.groups()
    event = _event(method, target, int(status), None if size == b"-" else int(size))
    event["messageId"] = xxh3_128_hexdigest(line)
    _add_visitor(event, _text(address), _text(agent or b""), _text(referrer or b""))
    return Parsed(event, time_ms, None)


def _event(method: str, target: str, status: int, size: int | None) -> dict[str, Any]:
    origin = _ORIGIN.match(target)
    path, mark, query = (target[origin.end() :] if origin else target).partition("#")[0].partition("?")
    path = path or "/"
    page = {"path": path, "url": target}
    context: dict[str, Any] = {"page": page}
    if query:
        page["search"] = mark + query
        if campaign := _campaign(query):
            context["campaign"] = campaign
    properties: dict[str, Any] = {"method": method, "status": status}
    if size is not None:
        properties["bytes"] = size
    name = path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if _DOWNLOAD.fullmatch(extension) and method == "GET" and status in _DELIVERED:
        properties |= {"file_name": name, "file_extension": extension, "link_url": target}
        return {"type": "track", "event": "file_download", "properties": properties, "context": context}
    if _ASSET.fullmatch(extension):
        properties["asset"] = True
    return {"type": "page", "properties": properties, "context": context}


def _add_visitor(event: dict[str, Any], address: str, agent: str, referrer: str) -> None:
    event["anonymousId"] = f"log-{derived_id(address, agent)}"
    context = event["context"]
    context["ip"] = address
    if agent not in ("", "-"):
        context["userAgent"] = agent
    if referrer not in ("", "-"):
        context["page"]["referrer"] = referrer


def _campaign(query: str) -> dict[str, str]:
    """`context.campaign` from the `utm_` parameters of a query; the first of each counts."""
    if "utm_" not in query:
        return {}
    try:
        fields = parse_qsl(query, errors="replace", max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError:
        return {}
    campaign: dict[str, str] = {}
    for name, value in fields:
        key = _CAMPAIGN.get(name.removeprefix("utm_")) if name.startswith("utm_") else None
        if key is not None:
            campaign.setdefault(key, value)
    return campaign


def _time_ms(moment: bytes) -> int | None:
    match = _TIME.fullmatch(moment)
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    east = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        zone = timezone(-east if sign == b"-" else east)
        time = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=zone)
    except ValueError:
        return None
    time_ms = from_datetime(time)
    return time_ms if time_ms >= 0 else None


def _text(field: bytes) -> str:
    if b"\\" in field:
        field = _ESCAPE.sub(_unescaped, field)
    return field.decode("utf-8", errors="replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    if len(escaped) == 3:
        return bytes([int(escaped[1:], 16)])
    return _PLAIN_ESCAPES.get(escaped, escaped)


def _what_is_wrong(line: bytes) -> str:
    column = 0
    for name, prefix in _PREFIXES:
        match = prefix.match(line)
        if match is None:
            found = _shown(line[column:])
            return f"expected {name} at column {column + 1}, found {found}" if found else f"it ends before {name}"
        column = match.end()
    raise AssertionError("a line that matches all its pieces is parsed")


def _shown(field: bytes) -> str:
    return field[:40].decode("utf-8", errors="replace")
