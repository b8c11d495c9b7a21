"""The text of a condition to its terms.

Weakest first: ``or``, ``and``, ``not``, then comparisons, ``in`` and calls; parentheses group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hookstation.core.condition.reading import Reader, mistake
from hookstation.core.condition.terms import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Exists,
    Not,
    Operand,
    Operator,
    Property,
    Search,
    Term,
    Where,
    operand_text,
)
from hookstation.core.nearest import did_you_mean
from hookstation.core.template.names import Name
from hookstation.core.values import Scalar
from hookstation.errors import Invalid

LONGEST: Final = 10_000
"""Most characters of a condition."""

DEEPEST: Final = 32
"""Most parentheses and ``not`` inside one another."""

MOST_TERMS: Final = 200
"""Most comparisons and calls of a condition."""

MOST_SEARCHES: Final = 20
"""Most terms that may look through an array or a text: ``contains``, and ``in`` with a property behind it."""

MOST_OPTIONS: Final = 1_000
"""Most values of one list."""

EXISTS: Final = "exists"
FUNCTIONS: Final = (EXISTS, *Where)
OPERATORS: Final = (
    *(Operator.EQUAL, Operator.UNEQUAL, Operator.AT_MOST, Operator.AT_LEAST),
    *(Operator.LESS, Operator.GREATER),
)
_FOREIGN: Final = {
    "=": "==", "<>": "!=", "&&": "and", "||": "or", "&": "and", "|": "or", "!": "not", "~": "contains(…, …)"
}  # fmt: skip


class Parser:
    """Reads one condition. `names`: the properties that it reads, each with its offset."""

    def __init__(self, source: str) -> None:
        if len(source) > LONGEST:
            raise mistake(
                f"A condition has at most {LONGEST:,} characters; this one has {len(source):,}.", LONGEST
            )
        self._reader = Reader(source)
        self._depth = self._terms = self._searches = 0
        self.names: list[Name] = []

    def whole(self) -> Term:
        """The condition's term. Raises `Invalid`."""
        if self._reader.ended():
            return AllOf(())
        term = self._any_of()
        if not self._reader.ended():
            raise self._unexpected("and, or, or the end of the condition")
        return term

    def _any_of(self) -> Term:
        terms = self._chain("or", self._all_of)
        return terms[0] if len(terms) == 1 else AnyOf(terms)

    def _all_of(self) -> Term:
        terms = self._chain("and", self._negated)
        return terms[0] if len(terms) == 1 else AllOf(terms)

    def _chain(self, word: str, read: Callable[[], Term]) -> tuple[Term, ...]:
        terms = [read()]
        while self._reader.word(word):
            terms.append(read())
        return tuple(terms)

    def _negated(self) -> Term:
        start = self._reader.at
        if self._reader.word("not"):
            return Not(self._deeper(self._negated, start))
        if self._reader.sign("("):
            term = self._deeper(self._any_of, start)
            self._close(start)
            return term
        return self._term()

    def _deeper(self, read: Callable[[], Term], start: int) -> Term:
        self._depth += 1
        if self._depth > DEEPEST:
            raise mistake(
                f"Parentheses and “not” may stand {DEEPEST} deep inside one another, no deeper.", start
            )
        term = read()
        self._depth -= 1
        return term

    def _close(self, start: int) -> None:
        if self._reader.sign(")"):
            return
        if self._reader.ended():
            raise mistake("The parenthesis that opens here is never closed: “)” is missing.", start)
        raise self._unexpected("and, or, or “)”")

    def _term(self) -> Term:
        start = self._reader.at
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise mistake(f"A condition has at most {MOST_TERMS} comparisons and calls.", start)
        name = self._reader.call()
        return self._call(name, start) if name else self._comparison(start)

    def _call(self, name: str, start: int) -> Term:
        if name == EXISTS:
            which = self._operand()
            if not isinstance(which, Property):
                raise mistake("“exists” asks for a property: exists(member.id).", start)
            self._close(start)
            return Exists(which)
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise mistake(
                f"There is no function “{name}”; there are {known}.{did_you_mean(name, FUNCTIONS)}", start
            )
        whole = self._operand()
        if not self._reader.sign(","):
            raise self._unexpected(f"a comma: {name}(where, what)")
        part = self._operand()
        self._close(start)
        return self._search(Where(name), whole, part, start)

    def _search(self, where: Where, whole: Operand, part: Operand, start: int) -> Search:
        if not isinstance(whole, Property) and not isinstance(part, Property):
            raise self._constant(start)
        self._searches += where is Where.ANYWHERE
        if self._searches > MOST_SEARCHES:
            raise mistake(
                f"A condition may look for something in a text or array {MOST_SEARCHES} times.", start
            )
        return Search(where, whole, part)

    def _comparison(self, start: int) -> Term:
        left = self._operand()
        for operator in OPERATORS:
            if self._reader.sign(operator):
                right = self._operand()
                if not isinstance(left, Property) and not isinstance(right, Property):
                    raise self._constant(start)
                return Compare(left, operator, right)
        if self._reader.word("in"):
            return self._among(left, start)
        if self._reader.peek() == "not":
            raise mistake('“not” stands before the whole: not status in ["A", "B"].', self._reader.at)
        if isinstance(left, Property) and self._reader.at_end_of_term():
            name = operand_text(left)
            raise mistake(
                f"“{name}” alone is no condition; write {name} == true or exists({name}).",
                start,
            )
        raise self._unexpected("a comparison (==, !=, <, <=, >, >=) or “in”")

    def _constant(self, start: int) -> Invalid:
        return mistake("This names no property, so it is the same for every payload; name one.", start)

    def _among(self, value: Operand, start: int) -> Term:
        opening = self._reader.at
        if not self._reader.sign("["):
            return self._search(Where.ANYWHERE, self._operand(), value, start)
        options = [self._option()]
        while self._reader.sign(","):
            options.append(self._option())
        if len(options) > MOST_OPTIONS:
            raise mistake(
                f"A list has at most {MOST_OPTIONS:,} values; this one has {len(options):,}.", opening
            )
        if not self._reader.sign("]"):
            raise self._unexpected("a comma or “]”")
        if not isinstance(value, Property):
            raise self._constant(start)
        return Among(value, tuple(options))

    def _option(self) -> Scalar:
        there, value = self._reader.literal()
        if not there:
            raise self._unexpected("a text in quotes, a number, true, false or null")
        return value

    def _operand(self) -> Operand:
        there, value = self._reader.literal()
        if there:
            return value
        start = self._reader.at
        if self._reader.peek() in ("and", "or", "not", "in"):
            raise self._unexpected("a property or a value")
        which = self._reader.path()
        self.names.append(Name(which.path, start))
        return which

    def _unexpected(self, wanted: str) -> Invalid:
        at, source = self._reader.at, self._reader.source
        if self._reader.ended():
            return mistake(f"The condition ends where {wanted} is expected.", at)
        for foreign, ours in _FOREIGN.items():
            if source.startswith(foreign, at):
                return mistake(f"“{foreign}” is not known here; write {ours}.", at)
        word = self._reader.peek()
        hint = did_you_mean(word, ("and", "or", "not", "in", *FUNCTIONS)) if word else ""
        return mistake(f"“{(word or source[at])[:40]}” is not expected here, but {wanted}.{hint}", at)
