"""A JSON Schema drafted from sample payloads, and what is unsure about it.

The draft accepts every sample, unless an answer that says that it contradicts one was given.  The same samples and
answers always give the same draft, character by character.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.draft.questions import (
    DAY_FIRST,
    DIGITS,
    MONTH_FIRST,
    NUMERIC,
    Doubt,
    Question,
    doubts,
)
from hookstation.core.draft.seen import Seen, look_at
from hookstation.core.nearest import did_you_mean
from hookstation.core.schema_inspect import inspect_schema
from hookstation.core.schema_outline import Place
from hookstation.core.template import ANY, Path
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted schema and the questions about it, in the order of its fields."""

    schema: dict[str, JSON]
    questions: tuple[Question, ...]

    def as_json(self) -> dict[str, JSON]:
        """The draft as the API tells it."""
        return {"schema": self.schema, "questions": [one.as_json() for one in self.questions]}


def draft_schema(samples: Sequence[JSON], answers: Mapping[str, str] | None = None) -> Draft:
    """The schema that `samples` (objects or arrays) suggest.

    `answers`: question key → name of a choice; the questions stay in the draft, with the answer as what is assumed.
    Raises `Invalid` for no sample, samples over a limit, and an answer to a question or with a choice that there is
    not.
    """
    drafter = _Drafter(answers or {})
    schema: dict[str, JSON] = {"$schema": DIALECT, **drafter.place(look_at(samples), (), ())}
    drafter.check_answers()
    if errors := [problem for problem in inspect_schema(schema) if problem.severity == "error"]:
        raise Invalid([problem.under("samples") for problem in errors])
    return Draft(schema, tuple(drafter.questions))


class _Drafter:
    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = answers
        self.questions: list[Question] = []

    def place(self, seen: Seen, place: Place, path: Path, *, missing: int = 0) -> dict[str, JSON]:
        """The schema of one place, with the questions about it and all inside it."""
        said = {
            question.doubt: self._ask(question) for question in doubts(seen, place, path, missing=missing)
        }
        schema = _typed(seen, said)
        types = _listed(schema.get("type"))
        if "object" in types and seen.members:
            self._members(seen, schema, place, path)
        if "array" in types:
            self._items(seen, schema, place, path, said.get(Doubt.EMPTY_LIST, ""))
        if "string" in types:
            _say_text(seen, schema, said)
        examples = [one for one in seen.examples if "enum" not in schema]
        if examples:
            schema["examples"] = list(examples)
        return schema

    def _ask(self, question: Question) -> str:
        answer = self.answers.get(question.key, question.assumed)
        known = [choice.name for choice in question.choices]
        if answer not in known:
            said = f"is not an answer; choose one of {', '.join(known)}.{did_you_mean(answer, known)}"
            raise Invalid([Problem(("answers", question.key), said)])
        self.questions.append(
            Question(question.doubt, question.place, question.path, question.said, question.choices, answer)
        )
        return answer

    def check_answers(self) -> None:
        """Raises `Invalid` for answers to what was not asked."""
        asked = [question.key for question in self.questions]
        unknown = [key for key in self.answers if key not in asked]
        if unknown:
            said = "answers no question about these samples; take the key of a question as it was told."
            raise Invalid([Problem(("answers", key), said + did_you_mean(key, asked)) for key in unknown])

    def _members(self, seen: Seen, schema: dict[str, JSON], place: Place, path: Path) -> None:
        objects = seen.kinds["object"]
        properties: dict[str, JSON] = {}
        required: list[JSON] = []
        for name, inner in seen.members.items():
            where = (*place, "properties", name)
            missing = objects - inner.count
            before = len(self.questions)
            properties[name] = self.place(inner, where, (*path, name), missing=missing)
            if not missing or self._must_be_there(before):
                required.append(name)
        schema["properties"] = properties
        if required:
            schema["required"] = required

    def _must_be_there(self, index: int) -> bool:
        """Whether the question that was asked first about a field is whether it may be missing, and it may not."""
        question = self.questions[index]
        return question.doubt is Doubt.OPTIONAL and question.assumed == "required"

    def _items(self, seen: Seen, schema: dict[str, JSON], place: Place, path: Path, said: str) -> None:
        if seen.items is not None:
            schema["items"] = self.place(seen.items, (*place, "items"), (*path, ANY))
        elif said not in ("", "anything"):
            schema["items"] = {"type": said}


def _listed(types: JSON) -> list[JSON]:
    return types if isinstance(types, list) else [types]


def _typed(seen: Seen, said: Mapping[Doubt, str]) -> dict[str, JSON]:
    if answer := said.get(Doubt.NULL_ONLY):
        return _of_null(answer)
    mixed = said.get(Doubt.MIXED, "all")
    if mixed == "anything":
        return {}
    types: list[JSON] = [kind for kind in seen.types() if mixed in ("all", kind) or kind == "null"]
    if said.get(Doubt.LOOKS_LIKE_ID) == "either":
        types.insert(types.index("integer"), "string")
    return {"type": types[0] if len(types) == 1 else types} if types else {}


def _of_null(answer: str) -> dict[str, JSON]:
    if answer == "anything":
        return {}
    if answer in ("date", "date-time"):
        return {"type": ["string", "null"], "format": answer}
    return {"type": [answer, "null"]}


_PATTERNS: Final = {"digits": DIGITS, "number": NUMERIC, "day-first": DAY_FIRST, "month-first": MONTH_FIRST}
_ORDERS: Final = {
    "day-first": "A date with the day first, such as 31/12/2026.",
    "month-first": "A date with the month first, such as 12/31/2026.",
}


def _say_text(seen: Seen, schema: dict[str, JSON], said: Mapping[Doubt, str]) -> None:
    if not seen.texts and seen.texts is not None:
        return
    if seen.formats and seen.kinds.get("string"):
        schema["format"] = min(seen.formats)
    order = said.get(Doubt.AMBIGUOUS_DATE, _certain_order(seen))
    for answer in (said.get(Doubt.DIGITS_AS_TEXT, ""), order):
        if answer in _PATTERNS:
            schema["pattern"] = _PATTERNS[answer]
    if order in _ORDERS:
        schema["description"] = _ORDERS[order]
    if said.get(Doubt.FEW_VALUES) == "only" and seen.texts is not None:
        values: list[JSON] = [*seen.texts]
        schema["enum"] = [*values, None] if "null" in seen.kinds else values


def _certain_order(seen: Seen) -> str:
    """How slashed dates are written where the samples leave no doubt."""
    return next(iter(seen.orders)) if seen.orders is not None and len(seen.orders) == 1 else ""
