"""Finding rows: asked of the target page by page, and believed only where the values are really there.

A target may ignore a property that it does not know, read a value as an operator, or compare without case; what it
answers is therefore compared once more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from hookstation.connectors.imis.answers import Call
from hookstation.connectors.imis.client import ImisClient, entity_path
from hookstation.connectors.imis.envelope import Entity, Form, holds
from hookstation.connectors.imis.paging import PAGE, values_of, walk
from hookstation.connectors.imis.values import text_of
from hookstation.core.values import JSON, Scalar
from hookstation.errors import Terminal

MOST_PAGES: Final = 120
"""Pages that a search looks through, somewhat more than the records that a step may ask for."""

OPERATORS: Final = frozenset(
    {
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "between",
        "in",
        "notin",
        "like",
        "contains",
        "startswith",
        "endswith",
    }
    | {"isnull", "isnotnull", "isempty"}
)
"""Words that, before a colon, the target may take for an operator; only two of them are proven."""

ALTERNATIVES: Final = "|"
"""What joins several values in one question: each of them alone would be an answer."""


async def find(
    client: ImisClient, form: Form, wanted: Mapping[str, Scalar], asked: Sequence[str], most: int = 2
) -> list[Entity]:
    """Rows that hold all of `wanted`, at most `most`; `asked` names the fields that go into the question.

    A value that the target would read as alternatives stays out of the question and is only compared.
    Raises `ActionFailed` where the target cannot be asked, or where its rows are too many to be read.
    """
    found: list[Entity] = []
    async for entity in _pages(client, form, _question({field: wanted[field] for field in asked})):
        if holds(form, entity, wanted):
            found.append(entity)
            if len(found) == most:
                break
    return found


def _question(asked: Mapping[str, Scalar]) -> Mapping[str, str]:
    """The text of each field that can be asked for. Raises `Terminal` where none can, or where one is no value."""
    texts = {field: question_text(field, value) for field, value in asked.items()}
    question = {field: text for field, text in texts.items() if ALTERNATIVES not in text}
    if not question:
        raise Terminal(
            f"{', '.join(texts)}: the target reads “{ALTERNATIVES}” in a value as “or”, so it cannot be searched for;"
            " match on another field as well."
        )
    return question


async def find_all(client: ImisClient, form: Form, most: int) -> list[Entity]:
    """Rows whatever they hold, at most `most`. Raises as `find`."""
    found: list[Entity] = []
    async for entity in _pages(client, form, {}):
        found.append(entity)
        if len(found) == most:
            break
    return found


async def _pages(client: ImisClient, form: Form, asked: Mapping[str, str]) -> AsyncIterator[Entity]:
    question = {form.wire(field): text for field, text in asked.items()}
    rows = 0

    async def ask(offset: int, limit: int) -> JSON:
        query = question | {"limit": str(limit), "offset": str(offset)}
        return await client.call("GET", entity_path(form.spec.name), Call.READ, query=query)

    async for page in walk(ask):
        rows += len(page)
        if rows > PAGE * MOST_PAGES:
            raise Terminal(
                f"{form.spec.name}: the target answers with more than {PAGE * MOST_PAGES:,} rows; match on more"
                " fields."
            )
        for entity in page:
            if isinstance(entity, dict):
                yield entity


def items(page: JSON) -> list[Entity]:
    """The entities of a page. Raises `Terminal` for what is no page."""
    return [each for each in values_of(page) if isinstance(each, dict)]


def question_text(field: str, value: Scalar) -> str:
    """A value to be equal to. Raises `Terminal` for one that cannot be asked for."""
    text = text_of(value)
    if not text.strip():
        raise Terminal(f"{field}: a value to match on is needed and is missing or empty.")
    if begins_with_operator(text):
        raise Terminal(
            f"{field}: the value begins with a word that the target reads as an operator; it cannot be matched."
        )
    return text


def begins_with_operator(text: str) -> bool:
    """Whether the target may read the beginning of this text as an operator."""
    word, colon, _ = text.partition(":")
    return bool(colon) and word.strip().casefold() in OPERATORS
