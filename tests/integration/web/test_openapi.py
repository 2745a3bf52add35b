"""The API does what its OpenAPI document says, for every role, whatever is sent: Schemathesis makes it up."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from engine.web.api.operations import QUERY_BYTES_MAX
from engine.web.api.routes import OPERATIONS
from tests.unit.readmodel.samples import alerted, assigned, scored
from tests.unit.web.apisite import Site, ada, api_site, case
from tests.unit.web.principals import EVERYBODY

EXAMPLES = 10
STRICTER_THAN_ITS_SCHEMA = {"tellOfLead", "tellOfRep", "addLead"}
"""What belongs to which type, and that a time is to come, no schema says."""

BY_ID = {operation.name: operation for operation in OPERATIONS}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A board's API on a thread of its own, since Schemathesis waits for answers where it stands."""
    ready: Future[Site] = Future()
    done = threading.Event()

    async def serve() -> None:
        async with api_site() as listening:
            await listening.show(
                *ada(), scored("bob"), alerted("bob"), assigned("bob", "bea"), case("bob", "bea", "east")
            )
            listening.desk.is_silent = True
            ready.set_result(listening)
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    try:
        yield ready.result(30)
    finally:
        done.set()
        thread.join(30)


def operations(site: Site, who: str) -> dict[str, Any]:
    """What the document that `who` is served describes."""
    schema = schemathesis.openapi.from_url(f"{site.url}/api/openapi.json", headers=site.headers(who))
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {one.definition.raw["operationId"]: one for one in found}


def test_the_document_has_every_operation(site: Site) -> None:
    """Made of the same list as the routes; nothing is described that is not there."""
    assert set(operations(site, "Andy")) == set(BY_ID)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("who", [principal.name for principal in EVERYBODY])
@pytest.mark.parametrize("name", list(BY_ID))
def test_the_api_keeps_its_word(site: Site, name: str, who: str, mode: GenerationMode) -> None:
    """Answers have the documented status, type and shape; what the schema forbids is refused; nobody crashes it."""
    operation = operations(site, who)[name]
    excluded = [positive_data_acceptance] if name in STRICTER_THAN_ITS_SCHEMA else []

    @given(operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            # What a cursor is, no schema says either.
            case.query.pop("cursor", None)
        response = case.call(headers=site.headers(who))
        if response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG:
            # A few hundred rare characters are more than a query may have, whatever a schema allows of each value.
            assert len(urlsplit(response.request.url or "").query) > QUERY_BYTES_MAX
        else:
            case.validate_response(response, excluded_checks=excluded)

    ask()
