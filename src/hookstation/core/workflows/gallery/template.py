"""What a template of the gallery is: a few questions, and the documents that their answers make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem

Answers: TypeAlias = Mapping[str, str]
Documents: TypeAlias = dict[str, JSON]
"""A configuration document: ``version``, and things by kind."""


class Ask(StrEnum):
    """What an answer is, so that a page can offer what there is."""

    TEXT = "text"
    CONNECTION = "connection"
    PANEL = "panel"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `types`: of the connections that may be the answer. An answer that is left out is the default."""

    name: str
    title: str
    help: str
    ask: Ask = Ask.TEXT
    default: str = ""
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GalleryTemplate:
    """A workflow to begin from. `sample`: a payload as it really comes; `make`: answers → documents."""

    name: str
    title: str
    help: str
    steps: tuple[str, ...]
    questions: tuple[Question, ...]
    sample: JSON
    build: Callable[[Answers], Documents]

    def make(self, answers: Answers) -> Documents:
        """The documents. Raises `Invalid` for an answer to no question, and for a question without an answer."""
        known = {question.name: question for question in self.questions}
        problems = [
            Problem((name,), f"is no question of this template; it asks for {', '.join(known)}.")
            for name in answers
            if name not in known
        ]
        given = {name: answers.get(name, "").strip() or question.default for name, question in known.items()}
        problems += [Problem((name,), "needs an answer.") for name, answer in given.items() if not answer]
        if problems:
            raise Invalid(problems)
        return self.build(given)


def named(default: str) -> Question:
    """The question for the name."""
    return Question(
        "name",
        "Name",
        "Of the workflow, and of what triggers it: lower-case letters, digits and hyphens.",
        default=default,
    )
