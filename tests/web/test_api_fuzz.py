"""The API against its own description: whatever fits or does not fit the OpenAPI document gets a documented answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hookstation.connectors import CATALOGUE
from hookstation.web.api.build import OPERATIONS
from hookstation.web.api.openapi import document
from tests.support.keyed import key_webhook
from tests.support.station_process import StationProcess

LEFT_OUT: Final = {
    "backup": "writes a file wherever it is told to",
    "check_connection": "calls whatever address a connection was given",
    "listen_deliveries": "answers until its caller goes",
}
"""Operations that reach outside the station, by name, with the reason."""

CHECKS: Final[list[Any]] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES: Final = 3
"""Examples of an operation for each round, of what fits its description and of what does not."""

FUZZED: Final = [one.view.__name__ for one in OPERATIONS if one.view.__name__ not in LEFT_OUT]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationProcess]:
    """One with a webhook and a panel."""
    running = StationProcess(tmp_path_factory.mktemp("fuzz") / "data")
    panel = {
        "name": "ABC_Courses",
        "parent": "party",
        "instances": "multi",
        "fields": {"Code": {"type": "date"}},
    }
    asyncio.run(running.start())
    asyncio.run(running.configure({"version": 1, "panels": [panel], "webhooks": [key_webhook("records")]}))
    yield running
    asyncio.run(running.kill())
    assert "Traceback" not in running.log


@pytest.fixture(scope="module")
def session(station: StationProcess) -> Iterator[requests.Session]:
    """Calls with every right."""
    told = json.loads((station.folder / "control.json").read_text())
    with requests.Session() as opened:
        opened.headers["Authorization"] = f"Bearer {told['key']}"
        yield opened


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """The operations of the description, by name."""
    described = schemathesis.openapi.from_dict(document(OPERATIONS, CATALOGUE, version("hookstation")))
    found: list[Any] = [result.ok() for result in described.get_all_operations()]  # type: ignore[union-attr]
    return {one.definition.raw["operationId"]: one for one in found}


@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"]
)
@pytest.mark.parametrize("name", FUZZED)
def test_an_operation_answers_as_described(
    station: StationProcess,
    session: requests.Session,
    operations: dict[str, Any],
    name: str,
    mode: GenerationMode,
    rounds: int,
) -> None:
    """No fault of our own, no status, type or shape that the description does not tell."""

    @settings(max_examples=EXAMPLES * rounds, suppress_health_check=list(HealthCheck))
    @given(case=operations[name].as_strategy(mode))
    def answers(case: Case[Any]) -> None:
        case.call_and_validate(base_url=station.url, session=session, checks=CHECKS)

    answers()


def test_a_payload_that_is_no_base64_is_said_to_be_none(
    station: StationProcess, session: requests.Session
) -> None:
    """Found by fuzzing: letters outside ASCII are refused like any other that base64 does not know."""
    url = f"{station.url}/api/v1/webhooks/keys/test"
    for text in ("é", "====", "a"):
        with session.post(url, json={"body_base64": text}) as answer:
            assert (422, "/body_base64") == (answer.status_code, answer.json()["problems"][0]["pointer"])
