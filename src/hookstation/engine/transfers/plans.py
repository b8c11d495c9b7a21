"""Transfers as workflows: what a run keeps of its transfer, and what is made of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.transfers.workflow import workflow_of
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow, WorkflowState
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.errors import Conflict, Invalid, NotFound, Problem, SecretError


class Known(Protocol):
    """What is configured: replaced, never changed."""

    @property
    def transfers(self) -> Mapping[str, Transfer]:
        """Transfers by name."""
        ...

    def documents(self, kind: str) -> Mapping[str, object]:
        """What is stored of a kind, by name: JSON text with sealed secrets."""
        ...


class TransferPlans:
    """`engine.workflows.plans.Transfers`. `read` reads a stored document; it raises `Invalid` and `SecretError`."""

    def __init__(self, known: Known, read: Callable[[str], Transfer]) -> None:
        self._known, self._read = known, read

    def named(self, name: str) -> Transfer:
        """A transfer that is live. Raises `NotFound`."""
        found = self._known.transfers.get(name)
        if found is None:
            raise NotFound("transfer", name)
        return found

    def begin(self, name: str) -> tuple[Workflow, JSON]:
        """The workflow of a transfer, and what its run keeps: the stored document, secrets sealed.

        Raises `NotFound`, and `Conflict` where it is not active.
        """
        transfer = self.named(name)
        text = str(self._known.documents("transfer")[name])
        kept = parse_json(text.encode(), depth=128, members=1_000_000).value
        workflow = workflow_of(transfer, TRANSFER + name, kept)
        if workflow.state is not WorkflowState.ACTIVE:
            raise Conflict(f"The transfer “{name}” is {workflow.state.value}: set its state to active first.")
        return workflow, kept

    def of(self, kept: JSON) -> Workflow:
        """The workflow of a run that kept this. Raises `Invalid`."""
        try:
            transfer = self.read(kept)
        except SecretError as sealed:
            raise Invalid([Problem((), sealed.message)]) from sealed
        return workflow_of(transfer, TRANSFER + transfer.name, kept)

    def read(self, kept: JSON) -> Transfer:
        """The transfer that a run kept. Raises `Invalid`, `SecretError`."""
        return self._read(dump_json(kept))
