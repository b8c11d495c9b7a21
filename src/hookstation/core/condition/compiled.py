"""A condition, compiled: read once, asked for every payload."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from hookstation.core.condition.parsing import Parser
from hookstation.core.condition.terms import Term, property_text, text_of_term
from hookstation.core.condition.truth import Facts, Test, test_of
from hookstation.core.condition.words import describe
from hookstation.core.schema_paths import Verdict, find
from hookstation.core.template.names import Name
from hookstation.core.values import JSON
from hookstation.errors import Problem

NO_FACTS: Final[Facts] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition; safe to share. `names` are the properties that it reads, each with its offset in `source`."""

    source: str
    term: Term
    names: tuple[Name, ...]
    _test: Test = field(repr=False, compare=False)

    def holds(self, payload: JSON, facts: Facts = NO_FACTS) -> bool:
        """Whether it holds for a payload. Never raises.

        `facts`: what paths may begin with besides the payload's own properties; a fact hides a property of its name.
        It takes one step for each of its terms, and for `MOST_SEARCHES` of them one for each element of an array.
        """
        return self._test(payload, facts)

    @property
    def text(self) -> str:
        """The condition in its usual form: spaces, quotes and parentheses as everybody's."""
        return text_of_term(self.term)

    @property
    def said(self) -> str:
        """The condition in words, without a full stop."""
        return describe(self.term)


def compile_condition(source: str) -> Condition:
    """Compile a condition; an empty one always holds.

    Raises `Invalid` with the first mistake and its offset in `source`.
    """
    parser = Parser(source)
    term = parser.whole()
    return Condition(source, term, tuple(parser.names), test_of(term))


def check_names(condition: Condition, schema: JSON, facts: Collection[str] = ()) -> list[Problem]:
    """A warning for every property that `schema` does not declare, with its offset and the nearest known name.

    A property that is not there only makes its comparison false, so none is an error.  `facts` are passed over.
    """
    problems: list[Problem] = []
    for name in condition.names:
        finding = find(schema, name.path) if name.path[0] not in facts else None
        if finding is not None and finding.verdict in (Verdict.UNDECLARED, Verdict.ADDITIONAL):
            hint = f" Did you mean “{finding.nearest}”?" if finding.nearest else ""
            message = f"The schema does not declare “{property_text(name.path)}”.{hint}"
            problems.append(Problem((), message, "warning", name.position))
    return problems
