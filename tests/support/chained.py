"""A running station with a few workflows, schedules and polls, for tests of the API and of commands."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.receiver import Answer, Call, Receiver, receiving
from tests.support.running import insert, step, workflow
from tests.support.station import Station, station, until

COURSES: Final[dict[str, Any]] = {
    "name": "Courses",
    "fields": {"Course": {"type": "string", "length": 40}, "Note": {"type": "string", "length": 200}},
}
INSERT: Final = {"type": "insert_activity", "connection": "records"}
QUEUED: Final[dict[str, Any]] = {"authentication": {"type": "none"}, "schema": True, "answer": "queued"}
ITEMS: Final = [{"id": number, "course": f"C{number}"} for number in (1, 2, 3)]
LAX: Final = {"retry": {"attempts": 1}}


def document(url: str) -> dict[str, Any]:
    """The configuration; `url`: where the source of the polls and the other system listen."""
    keep = step("keep", "set", values={"course": "$$trigger.course$$"})
    call = step("call", "http_request", connection="lms", method="POST", path="orders", body="$$trigger$$")
    return {
        "version": 1,
        "panels": [COURSES],
        "connections": [{"name": "lms", "type": "http", "url": url, "networks": ["127.0.0.0/8"]}],
        "workflows": [
            workflow(keep, insert(), name="plain", sample={"id": "7", "course": "Sample"}),
            workflow(
                step("each", "for_each", items="$$trigger$$")
                | {"steps": [step("one", "set", values={"it": "$$item$$"})]},
                name="many",
            ),
            workflow(step("no", "stop", **{"as": "failure", "message": "no $$trigger.id$$"}), name="failing"),
            workflow(
                step("ask", "approval", person="ann@example.org", message="Shall $$trigger.id$$ pass?"),
                step("keep", "set", values={"note": "$$steps.ask.decision.note$$"}),
                name="asking",
            ),
            workflow(call | {"output": "told"}, name="calling"),
            workflow(keep, name="hooked", trigger={"type": "webhook"}),
            workflow(keep, name="timed", trigger={"type": "schedule"}),
        ],
        "webhooks": [
            {"name": "queued", "action": INSERT | {"fields": {"ID": "$$id$$", "ActivityType": "TEST"}}, **QUEUED},
            {"name": "starting", "workflow": "hooked", **QUEUED},
        ],
        "schedules": [
            {"name": "berlin", "workflow": "timed", "cron": "30 2 * * *", "zone": "Europe/Berlin"},
            {"name": "asks", "poll": "feed", "every": "30d", "starts": "2026-01-01"},
        ],
        "polls": [
            {
                "name": "feed",
                "title": "Feed",
                "source": {"type": "http", "connection": "lms", "path": "items"},
                "first": "everything",
                "key": "$$id$$",
                "schema": True,
                "action": INSERT | {"fields": {"ID": "$$id$$", "ActivityType": "FEED"}},
            }
        ],
    }  # fmt: skip


def answered(call: Call) -> Answer:
    """The other system: it has a list of items, and takes everything else."""
    body = json.dumps(ITEMS) if call.path.startswith("/items") else '{"ok": true}'
    return Answer(200, (("Content-Type", "application/json"),), body.encode())


@contextlib.contextmanager
def chained(folder: Path) -> Iterator[tuple[Station, Receiver]]:
    """The station, and the system that it asks."""
    with receiving(answered) as receiver, station(folder / "data", document(receiver.url)) as running:
        yield running, receiver


def ended(running: Station, run_id: str) -> dict[str, Any]:
    """A run at its end."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = running.api(f"/runs/{run_id}")
        return found if found["ended_at"] else None

    return until(look)


def begun(running: Station, name: str, input_: Any = None, wait: int = 30) -> dict[str, Any]:
    """A run that was begun by hand, as it stands then."""
    return dict(running.api(f"/workflows/{name}/run", "POST", {"input": input_, "wait": wait}))
