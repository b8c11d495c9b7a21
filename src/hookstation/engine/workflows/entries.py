"""Entries of a run's history, made of how a step went."""

from __future__ import annotations

from typing import Final

from hookstation.core.answers import shorten
from hookstation.core.jsontext import dump_json
from hookstation.core.retrying import fault_of
from hookstation.core.values import JSON
from hookstation.core.workflows import tries
from hookstation.core.workflows.compiled import CompiledStep
from hookstation.core.workflows.decisions import Command
from hookstation.core.workflows.values import LARGEST_OUTPUT, Entry, EntryState
from hookstation.engine.workflows.steps.answers import answered
from hookstation.engine.workflows.tasks import Done, Failed, Pause
from hookstation.engine.workflows.texts import shown_input
from hookstation.errors import ActionFailed, Busy, MappingFailed
from hookstation.ports.api import ApiAnswer

TOO_LARGE: Final = (
    "The step put out {size} characters of JSON, and may put out {most}. Ask for less, choose columns, or use a "
    "transfer."
)


def input_of(step: CompiledStep, settings: dict[str, JSON]) -> str:
    """What a step was given, for people: the settings that were filled for this run."""
    filled = {name: settings[name] for name in step.templates if name in settings}
    return shown_input(filled) if filled else ""


def done_entry(command: Command, done: Done, shown: str, began: int, now: int) -> Entry:
    """The step did it; or what it put out is too large to be kept."""
    output = "" if done.output is None else dump_json(done.output)
    if len(output) > LARGEST_OUTPUT:
        told = TOO_LARGE.format(size=len(output), most=LARGEST_OUTPUT)
        return failed_entry(command, Failed(told), shown, began, now)
    return Entry(
        command.path,
        EntryState.DONE,
        command.attempt,
        0,
        began,
        now,
        shown,
        output,
        detail=done.detail,
    )


def failed_entry(
    command: Command, failed: Failed, shown: str, began: int, now: int, luck: float = 0.5
) -> Entry:
    """The step failed; where its plan says so, it is tried again at `due_at`. `luck`: a random number from 0 to 1."""
    output = "" if failed.output is None else dump_json(failed.output)
    kept = output if len(output) <= LARGEST_OUTPUT else ""
    tried = Entry(
        command.path, EntryState.FAILED, command.attempt, started_at=began, input=shown, output=kept
    )
    step, error = command.step.step, shorten(failed.error)
    return tries.failed(step, tried, error, failed.fault, now, luck, least=failed.seconds)


def waiting_entry(command: Command, pause: Pause, shown: str, began: int) -> Entry:
    """The step waits."""
    return Entry(
        command.path,
        EntryState.WAITING,
        command.attempt,
        0,
        began,
        input=shown,
        due_at=pause.due_at,
        detail=pause.detail,
    )


def started_entry(command: Command, shown: str, began: int, due_at: int = 0) -> Entry:
    """The intent of a call; with `due_at` its outcome is not known, and is looked up then."""
    return Entry(command.path, EntryState.STARTED, command.attempt, 0, began, input=shown, due_at=due_at)


def unknown_entry(command: Command, error: str, shown: str, began: int, now: int) -> Entry:
    """The call may have had its effect."""
    return Entry(
        command.path,
        EntryState.UNKNOWN,
        command.attempt,
        0,
        began,
        now,
        shown,
        error=shorten(error),
        fault="unknown",
    )


def failure_of(error: ActionFailed | MappingFailed) -> Failed:
    """How a step failed that raised this."""
    if isinstance(error, MappingFailed):
        return Failed(error.message)
    seconds = error.seconds if isinstance(error, Busy) else 0.0
    output = answered(error.answer) if isinstance(error.answer, ApiAnswer) else None
    return Failed(error.message, fault_of(error).value, seconds, output)
