"""What the templates and conditions of a run read: its trigger, what steps put out, variables, and the loop's element.

A `Frame` is what one line of steps has seen so far: the run's own, a turn's, a branch's.  A frame begins with what its
outer one knows, and what it adds is handed out when it has ended, so that steps side by side never see each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hookstation.core.outgoing.scope import CountedScope
from hookstation.core.template import (
    FACTS,
    MISSING,
    Path,
    Template,
    Value,
    compile_template,
    rewrite,
)
from hookstation.core.template.scope import element
from hookstation.core.values import JSON

ROOTS: Final = ("trigger", "steps", "vars", "item", "index", "run")
"""Names at the root; any other one is a property of what triggered the run."""

_DECLARED: Final = frozenset(FACTS)
"""What a call knows, a run has in ``run``: in its templates those names are the trigger's."""


class RunScope(CountedScope):
    """One step as its templates see it. `payload` holds the names of `ROOTS`; `behind` has all others."""

    __slots__ = ("behind",)

    def __init__(self, names: dict[str, JSON], behind: JSON, at: int) -> None:
        super().__init__(names, at)
        self.behind = behind

    @property
    def names(self) -> dict[str, JSON]:
        """What stands at the root, by name."""
        assert isinstance(self.payload, dict)
        return self.payload

    def root(self, name: str, declared: frozenset[str]) -> Value:  # noqa: ARG002 - nothing else is declared
        """The value that a path beginning with `name` starts from."""
        names = self.names
        if name in names:
            return names[name]
        return self.behind.get(name, MISSING) if isinstance(self.behind, dict) else MISSING

    def is_fact(self, name: str, declared: frozenset[str]) -> bool:  # noqa: ARG002 - as above
        """No name stands for what only a call has."""
        return False

    def fact(self, path: Path) -> Value:
        """The value at a path that begins with none of the names at the root."""
        value: Value = self.behind if isinstance(self.behind, dict) else MISSING
        for part in path:
            if isinstance(value, dict):
                value = value.get(str(part), MISSING)
            elif isinstance(value, list) and isinstance(part, int):
                value = element(value, part)
            else:
                return MISSING
        return value

    def rows(self) -> Callable[[JSON, int], RunScope]:
        """A function that gives the scope of one row: its columns stand at the root, after those of `ROOTS`.

        It is the same scope for every row: what was made with it before is to be used up before the next one.
        """
        names = dict(self.names)
        scope = RunScope(names, None, self.received_at)

        def of(row: JSON, index: int) -> RunScope:
            names["item"], names["index"] = row, index
            scope.behind, scope.known = row, None
            return scope

        return of


class Frame:
    """What one line of steps has seen so far.

    `answer` is JSON text of what its last `respond` said, `last` of what its last step with an output put out; empty
    where there was none.
    """

    __slots__ = ("_at", "added", "answer", "last", "names", "set", "trigger")

    def __init__(self, names: dict[str, JSON], trigger: JSON, at: int) -> None:
        self.names, self.trigger, self._at = names, trigger, at
        self.added: dict[str, JSON] = {}
        self.set: dict[str, JSON] = {}
        self.answer = ""
        self.last = ""

    def scope(self) -> RunScope:
        """What a step sees that begins now."""
        return RunScope(self.names, self.trigger, self._at)

    def inner(self, turn: Mapping[str, JSON] | None = None) -> Frame:
        """A frame that begins with what this one knows. `turn`: ``item`` and ``index`` of a loop."""
        names = {
            **self.names,
            "steps": {**self._part("steps")},
            "vars": {**self._part("vars")},
            **(turn or {}),
        }
        return Frame(names, self.trigger, self._at)

    def _part(self, name: str) -> dict[str, JSON]:
        part = self.names[name]
        assert isinstance(part, dict)
        return part

    def add(self, step: str, value: dict[str, JSON]) -> None:
        """A step has ended: `value` is ``steps.<step>``."""
        self.added[step] = self._part("steps")[step] = value

    def set_vars(self, values: Mapping[str, JSON]) -> None:
        """Variables have new values."""
        self.set.update(values)
        self._part("vars").update(values)

    def join(self, inner: Frame) -> None:
        """An inner frame has ended: what it added is known here too."""
        self.added.update(inner.added)
        self._part("steps").update(inner.added)
        self.set_vars(inner.set)
        self.answer = inner.answer or self.answer


def first_frame(trigger: JSON, run: Mapping[str, JSON], at: int) -> Frame:
    """The frame with which a run begins. `run`: what ``run`` has; `at`: microseconds, for what templates call today."""
    return Frame({"trigger": trigger, "steps": {}, "vars": {}, "run": dict(run)}, trigger, at)


def compile_run_template(source: str) -> Template:
    """A template for `RunScope`. Raises `Invalid` with every mistake."""
    return compile_template(rewrite(source), _DECLARED)
