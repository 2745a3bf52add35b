"""The API's one list of operations, and the routes of a board that serves them."""

from aiohttp import web

from engine import __version__
from engine.web.api import leads, logs, writing
from engine.web.api.openapi import document
from engine.web.api.operations import BURST, EVERY_S, Answer, Call, Operation, Service, route
from engine.web.api.problems import BASE
from engine.web.gate.limits import Limit

OPERATIONS: tuple[Operation, ...] = (*leads.OPERATIONS, *logs.OPERATIONS, *writing.OPERATIONS)


def api_routes(service: Service, limit: Limit | None = None) -> list[web.RouteDef]:
    """Every operation under `/api`, and the document that describes them; `problems` tells what goes wrong.

    `limit` bounds how often each principal may ask.
    """
    told = document(OPERATIONS, BASE, __version__)

    async def openapi(_service: Service, _call: Call) -> Answer:
        return Answer(told)

    itself = Operation("GET", "/openapi.json", "readOpenApi", "This document", openapi, {})
    bound = limit or Limit(BURST, EVERY_S)
    return [route(operation, service, bound, BASE) for operation in (*OPERATIONS, itself)]
