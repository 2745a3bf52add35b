"""What every operation of the API has in common: how a request is read and bounded, and how an answer is sent."""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from engine.readmodel.port import ReadModel
from engine.web.api.problems import Refusal
from engine.web.gate.access import Principal, principal_of
from engine.web.gate.limits import Limit
from engine.web.lead.actions import WAIT_S
from engine.web.lists.index import Index
from engine.web.lists.views import Mistake, Unwanted, asked
from engine.web.port import Reps, Sender

BODY_BYTES_MAX = 64 * 1024
QUERY_BYTES_MAX = 2 * 1024
BURST = 200
EVERY_S = 0.05
"""A principal may ask so often at once, and then 20 times a second."""

Method = Literal["GET", "POST"]
_encoder = msgspec.json.Encoder()


class Audit(Protocol):
    """Writes down who did what: the action, the key of the lead it was about, and what came of it."""

    def __call__(self, request: web.Request, action: str, lead: str | None, outcome: str) -> None: ...


@dataclass(frozen=True)
class Service:
    """What the API answers from and writes with; without a `sender` it only reads.

    `wait_s`: how long an answer of the desk is waited for.
    """

    model: ReadModel
    index: Index
    sender: Sender | None
    reps: Callable[[], Reps]
    audit: Audit
    wait_s: float = WAIT_S


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Call(NamedTuple):
    """One request: who asks, what of the path, the parameters and the body, each of the operation's type."""

    who: Principal
    path: Mapping[str, str]
    query: Any
    body: Any
    request: web.Request


class Answer(NamedTuple):
    """What to send: a struct, and headers."""

    data: object
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = {}


class Operation(NamedTuple):
    """One thing that the API does: routes, reading of requests and the OpenAPI document are all made of these.

    `answers` has the type of each good answer, `problems` the statuses that come beside those of every operation.
    """

    method: Method
    path: str
    name: str
    summary: str
    handle: Callable[[Service, Call], Awaitable[Answer]]
    answers: Mapping[int, Any]
    query: type[msgspec.Struct] = Nothing
    body: Any = None
    problems: tuple[int, ...] = ()


def route(operation: Operation, service: Service, limit: Limit, base: str) -> web.RouteDef:
    """The operation as aiohttp routes to it."""

    async def handle(request: web.Request) -> web.Response:
        who = principal_of(request)
        _admit(who, limit)
        query = _query(request, operation.query)
        body = None if operation.body is None else await _body(request, operation.body)
        answer = await operation.handle(service, Call(who, request.match_info, query, body, request))
        return _response(request, answer)

    add = web.get if operation.method == "GET" else web.post
    return add(base + operation.path, handle)


def _admit(who: Principal, limit: Limit) -> None:
    wait_s = limit.wait_s(who.id)
    if wait_s > 0:
        headers = {"Retry-After": str(ceil(wait_s))}
        raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many requests; come again later", headers=headers)
    limit.take(who.id)


def _query(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    text = request.rel_url.raw_query_string
    if len(text) > QUERY_BYTES_MAX:
        raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, f"the query has {len(text)} bytes; at most {QUERY_BYTES_MAX}")
    try:
        return asked(parse_qsl(text, keep_blank_values=True, errors="replace"), kind)
    except Unwanted as unwanted:
        raise bad_query(unwanted) from None


def bad_query(unwanted: Unwanted) -> Refusal:
    """Parameters that make no sense."""
    return Refusal(HTTPStatus.BAD_REQUEST, "the parameters make no sense", unwanted.mistakes)


async def _body(request: web.Request, kind: Any) -> Any:
    if request.content_type != "application/json":
        told = f"the body is {request.content_type}; expected application/json"
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, told)
    data = bytearray()
    async for chunk in request.content.iter_chunked(BODY_BYTES_MAX):
        data += chunk
        if len(data) > BODY_BYTES_MAX:
            told = f"the body has more than {BODY_BYTES_MAX} bytes"
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told, headers={"Connection": "close"})
    try:
        return msgspec.json.decode(bytes(data), type=kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        raise invalid([Mistake(place.rstrip("`"), message)]) from None
    except (ValueError, RecursionError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the body is no JSON: {error}") from None


def invalid(mistakes: list[Mistake]) -> Refusal:
    """A body that is JSON and cannot be right."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "what the body says cannot be right", mistakes)


def _response(request: web.Request, answer: Answer) -> web.Response:
    body = _encoder.encode(answer.data)
    headers = {"Cache-Control": "private, no-store", **answer.headers}
    if answer.status == HTTPStatus.OK and request.method in {"GET", "HEAD"}:
        tag = urlsafe_b64encode(sha256(body).digest()[:18]).decode()
        headers["ETag"] = f'"{tag}"'
        if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, status=answer.status, content_type="application/json", headers=headers)
