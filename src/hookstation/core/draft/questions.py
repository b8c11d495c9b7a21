"""What samples leave open: the question about one place, its choices, and what was assumed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hookstation.core.draft.seen import Seen
from hookstation.core.schema_outline import Place
from hookstation.core.schema_words import pointer
from hookstation.core.template import Path, path_text
from hookstation.core.values import JSON


class Doubt(StrEnum):
    """Why a place is unsure."""

    OPTIONAL = "optional"
    NULL_ONLY = "null-only"
    EMPTY_LIST = "empty-list"
    MIXED = "mixed"
    LOOKS_LIKE_ID = "looks-like-id"
    DIGITS_AS_TEXT = "digits-as-text"
    AMBIGUOUS_DATE = "ambiguous-date"
    FEW_VALUES = "few-values"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. `contradicts`: a sample that was given would then be refused."""

    name: str
    label: str
    contradicts: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One doubt about the field at `path` (`ANY` for any element), whose schema stands at `place`.

    `assumed` is the name of the choice that the schema follows now.
    """

    doubt: Doubt
    place: Place
    path: Path
    said: str
    choices: tuple[Choice, ...]
    assumed: str

    @property
    def key(self) -> str:
        """By what an answer names the question: stays the same while the samples do."""
        return f"{self.doubt.value}:{pointer(self.place)}"

    def as_json(self) -> dict[str, JSON]:
        """The question as the API tells it."""
        return {
            "key": self.key,
            "doubt": self.doubt.value,
            "pointer": pointer(self.place),
            "path": path_text(self.path),
            "question": self.said,
            "choices": [
                {"name": one.name, "label": one.label, "contradicts": one.contradicts} for one in self.choices
            ],
            "assumed": self.assumed,
        }


DIGITS: Final = "^[0-9]+$"
NUMERIC: Final = "^-?[0-9]+(\\.[0-9]+)?$"
DAY_FIRST: Final = "^(0?[1-9]|[12][0-9]|3[01])[/.-](0?[1-9]|1[0-2])[/.-][0-9]{4}$"
MONTH_FIRST: Final = "^(0?[1-9]|1[0-2])[/.-](0?[1-9]|[12][0-9]|3[01])[/.-][0-9]{4}$"
MOST_CHOICES: Final = 10
"""Different values up to which a closed list is suggested."""
LEAST_SEEN: Final = 4
"""Values that must have been seen before a closed list is suggested."""

_DIGITS: Final = re.compile(r"[0-9]+")
_NUMERIC: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_ID_NAME: Final = re.compile(
    r"(^|[^a-z])(ids?|zip(code)?|post(al)?code|postal|phone|mobile|number|no|nr|code|sku|isbn)$"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ID_DIGITS: Final = 9
"""Digits from which a whole number is likely a name and not an amount."""


def doubts(seen: Seen, place: Place, path: Path, *, missing: int = 0) -> Iterator[Question]:
    """The questions about one place. `missing`: objects that were seen without the field."""
    name = path_text(path) or "The payload"
    if missing:
        yield _optional(seen, missing, place, path, name)
    if seen.kinds.keys() == {"null"}:
        yield Question(Doubt.NULL_ONLY, place, path, f"“{name}” was null in every sample. What is it else?",
                       NULL_CHOICES, "anything")  # fmt: skip
    if len(seen.types()) - ("null" in seen.kinds) > 1:
        yield _mixed(seen, place, path, name)
    if "array" in seen.kinds and seen.items is None:
        yield Question(Doubt.EMPTY_LIST, place, path,
                       f"“{name}” was an empty list in every sample. What does it hold?",
                       LIST_CHOICES, "anything")  # fmt: skip
    yield from _about_numbers(seen, place, path, name)
    if seen.only("string"):
        yield from _about_texts(seen, place, path, name)


def _optional(seen: Seen, missing: int, place: Place, path: Path, name: str) -> Question:
    choices = (
        Choice("optional", "It may be missing"),
        Choice("required", "It must be there; calls without it are refused", contradicts=True),
    )
    said = f"“{name}” is missing in {missing} of {seen.count + missing}. May it be missing?"
    return Question(Doubt.OPTIONAL, place, path, said, choices, "optional")


NULL_CHOICES: Final = (
    Choice("anything", "Anything: not checked"),
    Choice("string", "Text"),
    Choice("number", "A number"),
    Choice("boolean", "Yes or no"),
    Choice("date", "A date"),
    Choice("date-time", "A date and time"),
)
LIST_CHOICES: Final = (
    Choice("anything", "Anything: not checked"),
    Choice("string", "Texts"),
    Choice("number", "Numbers"),
    Choice("object", "Objects"),
)
_WORDS: Final = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _mixed(seen: Seen, place: Place, path: Path, name: str) -> Question:
    kinds = [kind for kind in seen.types() if kind != "null"]
    listed = " and ".join(_WORDS[kind] for kind in kinds)
    choices = (
        Choice("all", f"All of them: {listed}"),
        Choice("anything", "Anything: not checked"),
        *(Choice(kind, f"Only {_WORDS[kind]}", contradicts=True) for kind in kinds),
    )
    said = f"“{name}” was {listed} in different samples. What is right?"
    return Question(Doubt.MIXED, place, path, said, choices, "all")


def _about_numbers(seen: Seen, place: Place, path: Path, name: str) -> Iterator[Question]:
    if not seen.only("integer") or not (seen.largest >= _ID_DIGITS or names_an_id(path)):
        return
    choices = (
        Choice("integer", "Always a whole number"),
        Choice("either", "It may also come as text, with leading zeros or letters"),
    )
    said = f"“{name}” is a number that looks like an id or a code. Is it always sent as a number?"
    yield Question(Doubt.LOOKS_LIKE_ID, place, path, said, choices, "integer")


def names_an_id(path: Path) -> bool:
    """Whether the field's name says that its value names something and is not an amount."""
    if not path or not isinstance(path[-1], str):
        return False
    return _ID_NAME.search(_CAMEL.sub("_", path[-1]).lower()) is not None


def _about_texts(seen: Seen, place: Place, path: Path, name: str) -> Iterator[Question]:
    texts = seen.texts
    if texts is None:
        return
    if texts and all(_NUMERIC.fullmatch(text) for text in texts):
        yield _digits(texts, place, path, name)
    elif texts and seen.orders is not None and len(seen.orders) == 2:
        said = f"“{name}” has dates such as {texts[0]}. Which comes first?"
        yield Question(Doubt.AMBIGUOUS_DATE, place, path, said, DATE_CHOICES, "text")
    if _few(seen, texts):
        choices = (Choice("any", "Any text"), Choice("only", "Only these: " + ", ".join(texts)))
        said = f"“{name}” had only {len(texts)} different values in {seen.count} samples. Are these all?"
        yield Question(Doubt.FEW_VALUES, place, path, said, choices, "any")


DATE_CHOICES: Final = (
    Choice("text", "Not checked: any text"),
    Choice("day-first", "The day (31/12/2026)"),
    Choice("month-first", "The month (12/31/2026)"),
)


def _digits(texts: list[str], place: Place, path: Path, name: str) -> Question:
    zeros = any(len(text) > 1 and text.startswith("0") and text.isdecimal() for text in texts)
    whole = all(_DIGITS.fullmatch(text) for text in texts)
    said = (
        f"“{name}” is text with leading zeros, such as {_shown(texts)}: an id or a postcode. May it be any text?"
        if zeros
        else f"“{name}” is a number written as text, such as {_shown(texts)}. May it be any text?"
    )
    choices = [Choice("text", "Any text")]
    if whole:
        choices.append(Choice("digits", "Text of digits only"))
    if not zeros:
        choices.append(Choice("number", "Text that is a number"))
    return Question(Doubt.DIGITS_AS_TEXT, place, path, said, tuple(choices), "text")


def _shown(texts: list[str]) -> str:
    zeros = [text for text in texts if text.startswith("0") and len(text) > 1]
    return (zeros or texts)[0][:40]


def _few(seen: Seen, texts: list[str]) -> bool:
    return (
        not seen.formats
        and seen.count >= LEAST_SEEN
        and seen.kinds.get("string", 0) >= 2 * len(texts)
        and 0 < len(texts) <= MOST_CHOICES
        and all(0 < len(text) <= 60 for text in texts)
    )
