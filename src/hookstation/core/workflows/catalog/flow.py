"""Steps that say what comes next."""

from __future__ import annotations

from typing import Final

from hookstation.core.condition import LONGEST
from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.workflows.catalog.common import MOST_TURNS
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

_CONDITION: Final = Setting(
    "condition",
    Kind.TEXT,
    required=True,
    maximum=LONGEST,
    help="What must hold, in the condition language.",
    example='trigger.grade == "pass"',
)
_WAIT: Final = Setting(
    "wait",
    Kind.BOOLEAN,
    default=True,
    help="Whether the step ends when the other run has ended, and fails when that failed; else it only begins it.",
)

FLOW: Final = (
    StepSpec(
        "gate",
        "Gate",
        "Lets the run go on only where a condition holds.",
        Group.FLOW,
        Reach.CONTROL,
        settings=(
            _CONDITION,
            Setting(
                "otherwise",
                Kind.JSON,
                default="fail",
                help="What follows where it does not hold: `fail` or `succeed` ends the run so; `go_to: STEP` goes on "
                "at a later step of the same block.",
                example={"go_to": "tell-somebody"},
            ),
        ),
        conditions=frozenset({"condition"}),
        rules=frozenset({"otherwise"}),
    ),
    StepSpec(
        "if",
        "If",
        "Takes one of two ways: `then` where a condition holds, else `else`.",
        Group.FLOW,
        Reach.CONTROL,
        settings=(_CONDITION,),
        conditions=frozenset({"condition"}),
        blocks=("then", "else"),
    ),
    StepSpec(
        "switch",
        "Switch",
        "Takes the way of the first case with the same value, else `default`.",
        Group.FLOW,
        Reach.CONTROL,
        settings=(
            Setting(
                "value",
                Kind.JSON,
                required=True,
                help="What the cases are compared with.",
                example="$$trigger.status$$",
            ),
        ),
        templates=frozenset({"value"}),
        blocks=("default",),
        named_blocks="cases",
    ),
    StepSpec(
        "for_each",
        "For each",
        "Does its steps once for each element of a list; there it is `item`, and `index` its number from 0 on.",
        Group.FLOW,
        Reach.CONTROL,
        settings=(
            Setting("items", Kind.JSON, required=True, help="The list.", example="$$steps.find.records$$"),
            Setting(
                "at_once",
                Kind.INTEGER,
                default=1,
                minimum=1,
                maximum=100,
                help="So many turns at the same time; 1: one after the other.",
            ),
            Setting(
                "most",
                Kind.INTEGER,
                default=MOST_TURNS,
                minimum=1,
                maximum=MOST_TURNS,
                help="A list with more elements is refused before the first turn.",
            ),
            Setting(
                "failures",
                Kind.JSON,
                default="stop",
                help="When a turn fails: `stop` begins no more and fails; `continue` does the others; `most: N` goes "
                "on until more than so many have failed.",
                example={"most": 10},
            ),
        ),
        templates=frozenset({"items"}),
        output="results",
        holds="How the turns ended, and what the last steps of the last turn put out.",
        sample={
            "count": 3,
            "succeeded": 2,
            "failed": 1,
            "errors": ["The member 23 is not there."],
            "last": {},
        },
        blocks=("steps",),
    ),
    StepSpec(
        "parallel",
        "Side by side",
        "Does several branches at the same time, and ends when all have ended; one that fails fails it.",
        Group.FLOW,
        Reach.CONTROL,
        named_blocks="branches",
    ),
    StepSpec(
        "workflow",
        "Another workflow",
        "Begins a run of another workflow.",
        Group.FLOW,
        Reach.HERE,
        settings=(
            Setting("workflow", Kind.NAME, required=True, help="Its name.", example="thank-member"),
            Setting(
                "input",
                Kind.JSON,
                help="What triggers it, there `trigger`; left out: null.",
                example={"id": "$$trigger.memberId$$"},
            ),
            _WAIT,
        ),
        templates=frozenset({"input"}),
        output="result",
        holds="The run, and what it put out where it was waited for.",
        sample={"run": "01KAP2M8C0EXAMPLE000000002", "state": "succeeded", "output": None},
    ),
    StepSpec(
        "transfer",
        "Run a transfer",
        "Begins a transfer.",
        Group.FLOW,
        Reach.HERE,
        settings=(
            Setting("transfer", Kind.NAME, required=True, help="Its name.", example="members-to-csv"),
            Setting("input", Kind.JSON, help="What its templates find as `trigger`; left out: null."),
            _WAIT,
        ),
        templates=frozenset({"input"}),
        output="result",
        holds="The run, and what was sent where it was waited for.",
        sample={"run": "01KAP2M8C0EXAMPLE000000003", "state": "succeeded", "output": {"rows": 4200}},
    ),
    StepSpec(
        "respond",
        "Respond",
        "Says what the caller of the webhook is answered, where it waits for the outcome.",
        Group.FLOW,
        Reach.PURE,
        settings=(
            Setting(
                "status", Kind.JSON, default=200, help="The status of the answer, 200 to 599.", example=201
            ),
            Setting("headers", Kind.MAPPING, maximum=50, help="Headers and their templates."),
            Setting(
                "body",
                Kind.JSON,
                help="The body: JSON, or a text as it is; left out: none.",
                example={"success": True, "id": "$$steps.insert.record.key$$"},
            ),
        ),
        templates=frozenset({"status", "headers", "body"}),
        output="answer",
        holds="The answer.",
        sample={"status": 200, "headers": {}, "body": {"success": True}},
    ),
    StepSpec(
        "stop",
        "Stop",
        "Ends the run at once.",
        Group.FLOW,
        Reach.CONTROL,
        settings=(
            Setting(
                "as",
                Kind.CHOICE,
                default="success",
                choices=("success", "failure"),
                help="How the run ends.",
            ),
            Setting(
                "message",
                Kind.TEXT,
                maximum=2_000,
                help="Why; of a failure it is the error.",
                example="There is no member $$trigger.memberId$$.",
            ),
        ),
        templates=frozenset({"message"}),
    ),
    StepSpec(
        "move",
        "Move rows",
        "Moves rows from a source to a destination: the work of a transfer.",
        Group.FLOW,
        Reach.ELSEWHERE,
        settings=(
            Setting("transfer", Kind.JSON, required=True, help="The transfer, as it was when the run began."),
        ),
        output="sent",
        holds="How much was sent.",
        sample={"read": 4200, "rows": 4200, "chunks": 1, "bytes": 180_000, "path": "members.csv"},
        offered=False,
        goes_on=True,
    ),
)
