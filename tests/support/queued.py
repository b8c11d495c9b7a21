"""Webhooks that answer before the work is done, on the engine over its twins."""

from __future__ import annotations

import json
from typing import Any

from hookstation.core.events import Answer, Event
from hookstation.core.values import JSON
from hookstation.engine.runs import Runs
from hookstation.errors import Retriable, Terminal, UnknownOutcome
from tests.support.engine import Engine, webhook

AWAY = Retriable("The target is off-line.")
LOST = UnknownOutcome("The connection broke.")
NO = Terminal("The target refused the record (400).")
PLAN: JSON = {"attempts": 3, "first": "10s", "factor": 2, "jitter": "0%"}


def queued(name: str = "queued", target: str = "far", **more: Any) -> JSON:
    """A webhook that answers before the work is done; `work` is merged with a plan of three tries."""
    work = {"retry": PLAN, **more.pop("work", {})}
    return webhook(name, target, **{"answer": "queued", "marked": True, "work": work, **more})


HERE = queued("here", "records")
AFAR = queued()
ORDERED = queued("ordered", work={"order": "$$id$$"})


def told(answer: Answer) -> Any:
    return json.loads(answer.body)


async def states(bench: Engine) -> list[str]:
    return [event.state.value for event in await bench.events()]


async def status(bench: Engine, event: Event | None = None) -> dict[str, Any]:
    """What the status address says of an event, the newest as a rule."""
    run_id = (event or await bench.last()).run_id
    answer = await Runs(bench.store).answer("GET", run_id)
    return {"code": answer.status, **told(answer)}
