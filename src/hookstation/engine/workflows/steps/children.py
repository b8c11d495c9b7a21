"""Runs of other workflows and of transfers, begun by a step in the transaction that writes it down."""

from __future__ import annotations

from typing import Final, Protocol

from hookstation.core.jsontext import dump_json
from hookstation.core.records import EffectResult
from hookstation.core.values import JSON
from hookstation.core.workflows.paths import signal_path
from hookstation.core.workflows.values import Entry, Run, RunStart, Signal
from hookstation.engine.workflows.steps.reading import flag, needed
from hookstation.engine.workflows.tasks import Done, Failed, Here, Pause, Task, Way
from hookstation.engine.workflows.texts import read_text

DEEPEST: Final = 8
"""Workflows within one another."""


class Starting(Protocol):
    """Makes runs: see `engine.workflows.start`."""

    def child(self, workflow: str, input_: JSON, parent: Run, path: str) -> RunStart:
        """A run that another run begins; `path` is empty where nobody waits for it.

        Raises `Terminal` where there is no such workflow, where it is not active, or where too many stand within one
        another.
        """
        ...


class Child:
    """``workflow`` and ``transfer``: the child's end is the step's, where it is waited for."""

    def __init__(self, setting: str, prefix: str, starting: Starting) -> None:
        self._setting, self._prefix, self._starting = setting, prefix, starting

    def begin(self, task: Task) -> Way:
        """The child begins with the step's entry."""
        name = self._prefix + needed(task.settings, self._setting)
        waits = flag(task.settings, "wait", default=True)
        start = self._starting.child(
            name, task.settings.get("input"), task.run, signal_path(task.path, task.attempt) if waits else ""
        )
        if waits:
            return Pause(starts=(start,), detail=dump_json({"child": start.run.id}))
        output: JSON = {"run": start.run.id, "state": start.run.state.value, "output": None}

        def end(_: EffectResult | None) -> Done:
            return Done(output)

        return Here(end, starts=(start,))

    def resume(self, task: Task, entry: Entry, signal: Signal | None) -> Done | Failed | Pause:
        """The child has ended."""
        if signal is None:
            return Pause(detail=entry.detail)
        told = read_text(signal.payload)
        if not isinstance(told, dict) or told.get("state") != "succeeded":
            state = told.get("state") if isinstance(told, dict) else "unknown"
            why = str(told.get("error") or "") if isinstance(told, dict) else ""
            what = f"The {self._setting} “{task.settings.get(self._setting)}”"
            verb = "was" if state == "cancelled" else "has"
            return Failed(f"{what} {verb} {state}{f': {why}' if why else '.'}", output=told)
        return Done(told)
