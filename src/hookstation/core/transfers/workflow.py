"""A transfer as a workflow: one step that moves the rows, and mails that tell of its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hookstation.core.definitions import Fault, Retry
from hookstation.core.transfers.definitions import AlertOn, Alerts, Transfer
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import (
    Concurrency,
    Rule,
    Step,
    Then,
    WhenUnknown,
    Workflow,
    WorkflowState,
)

MOVE: Final = "move"
"""The step that moves rows, and its type."""
TOLD_FAILURE: Final = "tell-failure"

PATIENCE: Final = Retry(
    attempts=12, first=2.0, most=600.0, on=frozenset({Fault.OFFLINE, Fault.BUSY, Fault.CREDENTIALS})
)
"""A source or destination that is away is waited for, about an hour in all; each try goes on from the last chunk."""

_AGAIN: Final = Retry(attempts=4, on=frozenset({Fault.OFFLINE, Fault.BUSY}))
_GOES_ON: Final = Rule(Then.CONTINUE)


def workflow_of(transfer: Transfer, name: str, kept: JSON) -> Workflow:
    """The workflow that a transfer's document means.

    `name`: what its runs are listed under.  `kept`: the document as it is stored, by which the step has the transfer.

    Its runs go one after the other.  A mail that cannot be sent changes nothing about how the run ends.
    """
    return Workflow(
        name,
        (_move(transfer, kept), *_tells(transfer)),
        title=transfer.title,
        state=WorkflowState(transfer.state.value),
        concurrency=Concurrency(key="one"),
    )


def _move(transfer: Transfer, kept: JSON) -> Step:
    alerts = transfer.alerts
    tells = alerts is not None and AlertOn.FAILURE in alerts.on
    return Step(
        MOVE,
        MOVE,
        title="Move the rows",
        settings={"transfer": kept},
        on_failure=Rule(Then.GO_TO, TOLD_FAILURE) if tells else Rule(),
        retry=PATIENCE,
    )


def _tells(transfer: Transfer) -> Iterator[Step]:
    alerts, called = transfer.alerts, _called(transfer)
    if alerts is None:
        return
    if AlertOn.SUCCESS in alerts.on:
        subject = f"{called}: $$steps.move.sent.rows$$ rows sent"
        text = (
            f"The transfer {called} has sent $$steps.move.sent.rows$$ rows ($$steps.move.sent.bytes$$ bytes)."
        )
        yield _mail("tell-success", alerts, subject, text, "steps.move.sent.rows > 0")
    if AlertOn.NOTHING in alerts.on:
        text = f"The transfer {called} found nothing to send, and has sent nothing."
        yield _mail("tell-nothing", alerts, f"{called}: nothing to send", text, "steps.move.sent.rows == 0")
    yield Step("end", "stop", settings={"as": "success", "message": "$$steps.move.sent$$"})
    if AlertOn.FAILURE in alerts.on:
        text = f"The transfer {called} has failed: $$steps.move.error$$"
        yield _mail(TOLD_FAILURE, alerts, f"{called}: failed", text, "")
        yield Step("failed", "stop", settings={"as": "failure", "message": "$$steps.move.error$$"})


def _mail(name: str, alerts: Alerts, subject: str, text: str, when: str) -> Step:
    to: list[JSON] = [*alerts.to]
    return Step(
        name,
        "mail",
        settings={
            "connection": alerts.connection,
            "to": to,
            "subject": subject,
            "text": f"{text}\n\nRun $$run.id$$, begun $$run.created_at$$ by $$run.trigger$$.",
        },
        when=when,
        on_failure=_GOES_ON,
        when_unknown=WhenUnknown.FAIL,
        retry=_AGAIN,
    )


def _called(transfer: Transfer) -> str:
    """How mails name it; a title with signs of the template language in it is not used."""
    title = transfer.title
    return f"“{transfer.name if not title or '$$' in title or '{' in title else title}”"
