"""What people do with runs, in one place."""

from __future__ import annotations

from hookstation.engine.workflows.again import RunAgain
from hookstation.engine.workflows.expressions import Expressions
from hookstation.engine.workflows.showing import ShowRuns
from hookstation.engine.workflows.signals import Signals


class RunDesk:
    """Runs are shown, ended, done again, and told what they wait for; expressions are tried on what they have."""

    def __init__(
        self, again: RunAgain, signals: Signals, showing: ShowRuns, expressions: Expressions
    ) -> None:
        self.again, self.cancel = again.again, again.cancel
        self.decide, self.resolve, self.answer_wait = signals.decide, signals.resolve, signals.answer_wait
        self.show, self.steps = showing.show, showing.steps
        self.try_template, self.try_condition = expressions.template, expressions.condition
