"""A condition, compiled: read once, asked for every payload."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from hookstation.core.condition.parsing import Parser
from hookstation.core.condition.terms import Term, text_of_term
from hookstation.core.condition.truth import Facts, Test, test_of
from hookstation.core.condition.words import describe
from hookstation.core.template.names import Name
from hookstation.core.values import JSON

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
