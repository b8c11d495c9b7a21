"""Steps that wait for a time, a call or a person."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.workflows.catalog.common import connection
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

DAY: Final = 86_400
_LONGEST: Final = 366 * DAY

WAITING: Final = (
    StepSpec(
        "wait",
        "Wait",
        "Waits for a time, until a date, or until somebody calls a one-time URL, which is `run.calls.<name of this "
        "step>` from the beginning of the run on.",
        Group.WAITING,
        Reach.CONTROL,
        settings=(
            Setting("for", Kind.DURATION, minimum=1, maximum=_LONGEST, help="So long.", example="2h"),
            Setting(
                "until",
                Kind.TEXT,
                maximum=1_000,
                help="Until this moment, ISO 8601; without an offset it is UTC. One that has passed does not wait.",
                example="$$trigger.startsAt$$",
            ),
            Setting("call", Kind.BOOLEAN, help="`true`: until a POST comes to the one-time URL."),
            Setting(
                "expires",
                Kind.DURATION,
                default="7d",
                minimum=1,
                maximum=_LONGEST,
                help="With `call`: after so long the step fails.",
            ),
        ),
        templates=frozenset({"until"}),
        needs_one=(("for", "until", "call"),),
        output="waited",
        holds="Since when and until when it waited.",
        sample={"since": "2026-11-22T09:30:00Z", "until": "2026-11-22T11:30:00Z"},
        outputs={("call", "true"): "call"},
    ),
    StepSpec(
        "approval",
        "Approval",
        "Waits until a person has said yes; a no fails it.",
        Group.WAITING,
        Reach.CONTROL,
        settings=(
            Setting(
                "person",
                Kind.TEXT,
                required=True,
                maximum=1_000,
                help="Who decides: the e-mail address of an account of this station.",
                example="ann@example.org",
            ),
            Setting(
                "message",
                Kind.TEXT,
                required=True,
                maximum=20_000,
                help="What is to be decided.",
                example="Let $$trigger.name$$ in?",
            ),
            Setting(
                "remind",
                Kind.DURATION,
                minimum=60,
                maximum=_LONGEST,
                help="Remind the person every so often; left out: never.",
                example="1d",
            ),
            Setting(
                "expire",
                Kind.DURATION,
                minimum=60,
                maximum=_LONGEST,
                help="After so long nobody is waited for any more; left out: for ever.",
                example="7d",
            ),
            Setting(
                "on_expire",
                Kind.CHOICE,
                default="fail",
                choices=("fail", "continue"),
                help="What follows then.",
            ),
            connection(
                "An `smtp` connection by which the person is told; left out: the page of approvals alone shows it.",
                "mail",
                required=False,
            ),
        ),
        templates=frozenset({"person", "message"}),
        output="decision",
        holds="Who said what.",
        sample={"approved": True, "by": "ann@example.org", "at": "2026-11-22T09:30:00Z", "note": ""},
        connections=frozenset({"smtp"}),
    ),
)
