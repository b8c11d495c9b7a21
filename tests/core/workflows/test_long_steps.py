"""Steps whose tries begin where the one before came to."""

from __future__ import annotations

import json

import pytest

from hookstation.core.transfers.definitions import FileTarget, TableRows, Transfer
from hookstation.core.transfers.workflow import workflow_of
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.compiled import compile_workflow
from hookstation.core.workflows.decide import decide
from hookstation.core.workflows.decisions import Act, Command
from hookstation.core.workflows.history import History
from hookstation.core.workflows.paths import signal_path
from hookstation.core.workflows.values import Entry, EntryState, Run, RunState, Signal

PLAN = compile_workflow(
    workflow_of(Transfer("m", TableRows("crm", "t"), FileTarget("out", "m.csv")), "transfer:m", {}), SPECS
)
RUN = Run("R1", "transfer:m", 0, RunState.RUNNING, "manual:ann", 1, started_at=1)


def next_command(*entries: Entry, signals: tuple[Signal, ...] = (), now: int = 100) -> Command:
    """What is to be done with the step."""
    [command] = decide(PLAN, History(PLAN, RUN, entries, signals), now).commands
    return command


def test_the_first_try_begins_at_the_beginning() -> None:
    command = next_command()
    assert (Act.BEGIN, 1, None) == (command.act, command.attempt, command.entry)


def test_a_try_after_a_failure_knows_how_far_that_one_came() -> None:
    failed = Entry("move", EntryState.FAILED, 2, due_at=50, detail="so far")
    command = next_command(failed)
    assert (Act.BEGIN, 3, failed) == (command.act, command.attempt, command.entry)


def test_what_is_found_begun_is_gone_on_with_in_the_same_try() -> None:
    begun = Entry("move", EntryState.STARTED, 2, detail="so far")
    command = next_command(begun)
    assert (Act.LOOK_UP, 2, begun) == (command.act, command.attempt, command.entry)


@pytest.mark.parametrize("happened", [True, False])
def test_whatever_a_person_says_of_an_unknown_outcome_the_next_try_hears_it(happened: bool) -> None:
    unknown = Entry("move", EntryState.UNKNOWN, 1, detail="so far")
    said = Signal("R1", signal_path("move", 1), 90, json.dumps({"happened": happened}))
    command = next_command(unknown, signals=(said,))
    assert command.entry is not None
    assert (2, "so far", {"happened": happened}) == (
        command.attempt,
        command.entry.detail,
        json.loads(command.entry.output),
    )
