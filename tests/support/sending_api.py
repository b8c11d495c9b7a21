"""What the tests of the sending side's operations share."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from hookstation.connectors import CATALOGUE
from hookstation.core.values import JSON
from hookstation.web.api.build import OPERATIONS
from hookstation.web.api.openapi import document
from tests.support.receiver import Answer
from tests.support.sending import SendingBench

DESCRIPTION: Any = document(OPERATIONS, CATALOGUE, "1")
BEARER: dict[str, JSON] = {"type": "bearer", "token": "the-token-of-a-destination"}
CALM: dict[str, Any] = {"breaker": {"calls": 1000}, "retry": {"schedule": []}}


def fits(name: str, shown: Any) -> None:
    """Whether an answer is as the description says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    assert not [one.message for one in jsonschema_rs.validator_for(schema).iter_errors(shown)]


async def dead(bench: SendingBench, *types: str) -> None:
    """Deliveries that have used up their attempts."""
    bench.receiver.usual = Answer(400, (("X-Trace", "7"),), b"not today")
    for type_ in types:
        await bench.raised(type_)
    await bench.deliver()
    bench.receiver.usual = Answer()


def ids(told: Any) -> list[str]:
    return [one["id"] for one in told["items"]]
