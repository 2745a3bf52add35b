"""What goes wrong, as the API tells it: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from engine.readmodel.port import ReadModelAway
from engine.web.lists.views import Mistake

BASE = "/api"
MEDIA_TYPE = "application/problem+json"
AWAY_RETRY_S = 5


class FieldMistake(msgspec.Struct):
    """One parameter or field, what is wrong with it, and what would be right."""

    field: str
    message: str


class Problem(msgspec.Struct, omit_defaults=True):
    """Why a request came to nothing. `title` is the same for each `status`; `detail` is about this one request."""

    title: str
    status: int
    instance: str
    type: str = "about:blank"
    detail: str = ""
    errors: list[FieldMistake] = []


class Refusal(Exception):
    """A request comes to nothing: with this status, for these reasons."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str = "",
        errors: Sequence[Mistake] = (),
        headers: Mapping[str, str] = {},
    ) -> None:
        """`errors` are told one by one; `headers` go with the answer."""
        super().__init__(detail or status.phrase)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers


def problem(path: str, refusal: Refusal) -> web.Response:
    """The answer to a request for `path`."""
    told = Problem(
        title=refusal.status.phrase,
        status=refusal.status.value,
        instance=path,
        detail=refusal.detail,
        errors=[FieldMistake(*mistake) for mistake in refusal.errors],
    )
    # `type` stays although it is the default: who reads problems looks at it first.
    body = msgspec.json.encode({"type": told.type, **msgspec.to_builtins(told)})
    return web.Response(
        body=body, status=refusal.status, content_type=MEDIA_TYPE, headers={**_UNKEPT, **refusal.headers}
    )


_UNKEPT = {"Cache-Control": "private, no-store"}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything under `/api` that goes wrong is told as a problem, what the router refuses included."""
    if not request.path.startswith(f"{BASE}/"):
        return await handler(request)
    try:
        return await handler(request)
    except Refusal as refusal:
        return problem(request.path, refusal)
    except ReadModelAway:
        detail = "the read model is away; the worker goes on, and this works again when the store is back"
        return problem(request.path, away(detail))
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return problem(request.path, Refusal(HTTPStatus(error.status), headers=allow))


def away(detail: str) -> Refusal:
    """Something that this needs is not there now, and will be again."""
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(AWAY_RETRY_S)})


def missing(detail: str) -> Refusal:
    """It is not there, or not for who asks: which of both, nobody learns."""
    return Refusal(HTTPStatus.NOT_FOUND, detail)
