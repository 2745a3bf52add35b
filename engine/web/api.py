"""The board's data as JSON, under `/api`: score, alert and assignment events as they stand on the topics."""

from typing import Any

import msgspec
from aiohttp import web

from engine.readmodel.events import decode_score
from engine.readmodel.explain import explain
from engine.readmodel.port import LOG_MAX, ReadModel
from engine.web.live import Live

LIMIT_DEFAULT = 50
LIMIT_MAX = LOG_MAX
_encoder = msgspec.json.Encoder(decimal_format="number")


def api_routes(model: ReadModel, live: Live) -> list[web.RouteDef]:
    """`/api/leads`, `/api/leads/{id}`, `/api/alerts`, `/api/assignments` and `/api/status`."""

    async def leads(request: web.Request) -> web.Response:
        return _json({"leads": _raw(await model.hottest(_limit(request)))})

    async def alerts(request: web.Request) -> web.Response:
        return _json({"alerts": _raw(await model.latest("alerts", _limit(request)))})

    async def assignments(request: web.Request) -> web.Response:
        return _json({"assignments": _raw(await model.latest("assignments", _limit(request)))})

    async def lead(request: web.Request) -> web.Response:
        event = await model.lead(request.match_info["id"])
        if event is None:
            return problem(404, "no such lead")
        told = explain(decode_score(event).data)
        sums = [
            {**sum_._asdict(), "lines": [line._asdict() for line in sum_.lines]} for sum_ in (*told.parts, told.total)
        ]
        return _json({"score": msgspec.Raw(event), "explanation": sums})

    async def status(_: web.Request) -> web.Response:
        progress = await model.progress()
        return _json(
            {
                "status": live.snapshot.status._asdict(),
                "counts": (await model.counts())._asdict(),
                "lag_s": progress.lag_s if progress else None,
            }
        )

    return [
        web.get("/api/leads", leads),
        web.get("/api/leads/{id}", lead),
        web.get("/api/alerts", alerts),
        web.get("/api/assignments", assignments),
        web.get("/api/status", status),
    ]


def problem(status: int, message: str) -> web.Response:
    """An error as the API tells it."""
    return _json({"error": message}, status)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(LIMIT_DEFAULT))
    if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= LIMIT_MAX:
        return int(text)
    message = _encoder.encode({"error": f"limit {text[:40]!r} is not a number from 1 to {LIMIT_MAX}"})
    raise web.HTTPBadRequest(text=message.decode(), content_type="application/json")


def _raw(events: list[bytes]) -> list[msgspec.Raw]:
    return [msgspec.Raw(event) for event in events]


def _json(data: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=_encoder.encode(data), status=status, content_type="application/json")
