"""How workflows and their runs are told to people: triggers, states, and what to do about a failure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.core.definitions import Fault
from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.definitions import Every, Once, Schedule, Starts
from hookstation.core.schedules.words import say_cron, say_every
from hookstation.core.workflows.definitions import TriggerKind, Workflow
from hookstation.core.workflows.values import RunState
from hookstation.web.services import Services

RUN_MEANINGS: Final[Mapping[str, str]] = {
    RunState.QUEUED: "It begins as soon as a worker is free, or the runs before it have ended.",
    RunState.RUNNING: "Under way.",
    RunState.WAITING: "It goes on by itself at its time, or when what it waits for comes.",
    RunState.UNKNOWN: "A step may have had its effect or not. It waits until somebody says which.",
    RunState.SUCCEEDED: "It came to its end.",
    RunState.FAILED: "It ended with an error. What it did before that stands.",
    RunState.CANCELLED: "It was ended before its end. What it did before that stands.",
}
"""What a state of a run means."""

ADVICE: Final[Mapping[str, str]] = {
    Fault.OFFLINE: "The target could not be reached. See whether its connection works, then go on from this step.",
    Fault.BUSY: "The target asked for patience. Go on from this step in a while; more tries in the step’s retry rule "
    "do that by themselves.",
    Fault.CREDENTIALS: "The target does not take our credentials. Set them right at the connection, then go on from "
    "this step.",
    Fault.REFUSED: "The target said no. Its answer above often says why: change the workflow or run again with another "
    "input.",
    Fault.UNKNOWN: "Nobody knows whether the effect happened. Look at the target, then say so at the step.",
}
"""What to do about a step that failed, by the class of its failure."""

ELSE: Final = (
    "Compare the step’s input with its settings. Change the workflow and go on from this step, or run again with "
    "another input."
)

SOURCES: Final[Mapping[str, str]] = {
    "http": "an HTTP API",
    "rss": "a feed",
    "sql": "a database",
    "imis_query": "an iMIS query",
    "imis_activities": "iMIS activities",
    "files": "files",
    "mailbox": "a mailbox",
    "records": "the records database",
    "journal": "the journal of events",
    "mail": "mail",
}
"""Where something comes from or goes to."""


def advice(fault: str) -> str:
    """What to do about a failed step."""
    return ADVICE.get(fault, ELSE)


@dataclass(frozen=True, slots=True)
class Starter:
    """What began a run, or begins runs: in words, with its page where it has one."""

    words: str
    href: str = ""


PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "webhook": ("Webhook", "/webhooks/"),
    "schedule": ("Schedule", "/schedules/"),
    "poll": ("Poll", "/polls/"),
    "workflow": ("Workflow", "/workflows/"),
    "change": ("Change told to", "/webhooks/"),
    "event": ("Event", ""),
    "manual": ("By hand:", ""),
}


def began(trigger: str) -> Starter:
    """What `Run.trigger` says."""
    kind, _, name = trigger.partition(":")
    words, place = PLACES.get(kind, (kind, ""))
    return Starter(f"{words} {name}".strip(), f"{place}{name}" if place and name else "")


def page_of(workflow: str) -> str:
    """The page of a run's workflow, or of the transfer that it is."""
    name = workflow.removeprefix("transfer:")
    return f"/transfers/{name}" if name != workflow else f"/workflows/{name}"


class Starters:
    """What starts each workflow, looked up once for all of them."""

    def __init__(self, services: Services) -> None:
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        board = services.board
        for name, workflow in board.starting().items():
            found[TriggerKind.WEBHOOK, workflow].append(name)
        for poll in board.polls.values():
            if poll.webhook.workflow:
                found[TriggerKind.POLL, poll.webhook.workflow].append(poll.name)
        for schedule in board.schedules.values():
            if schedule.kind is Starts.WORKFLOW:
                found[TriggerKind.SCHEDULE, schedule.target].append(schedule.name)
        self._found = found

    def of(self, workflow: Workflow) -> list[Starter]:
        """What starts a workflow by itself; for people, one at least."""
        trigger = workflow.trigger
        match trigger.kind:
            case TriggerKind.MANUAL:
                return [Starter("By hand")]
            case TriggerKind.WORKFLOW:
                return [Starter("Other workflows")]
            case TriggerKind.EVENT:
                return [Starter(f"Events {', '.join(trigger.types)}")]
            case TriggerKind.CHANGE:
                told = self._found[TriggerKind.WEBHOOK, workflow.name]
                what = ", ".join(trigger.changes) or "any"
                return [Starter(f"Changes: {what}"), *self._named("webhook", told)]
            case kind:
                names = self._found[kind, workflow.name]
                return self._named(kind.value, names) or [Starter(f"No {kind.value} yet")]

    def _named(self, kind: str, names: Iterable[str]) -> list[Starter]:
        words, place = PLACES[kind]
        return [Starter(f"{words} {name}", f"{place}{name}") for name in sorted(names)]


def say_schedule(schedule: Schedule) -> str:
    """When a schedule fires, without its zone."""
    match schedule.timing:
        case Cron() as cron:
            return say_cron(cron)
        case Once(wall):
            return f"once, {wall:%Y-%m-%d %H:%M}"
        case Every(seconds):
            return say_every(seconds)
