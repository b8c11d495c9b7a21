"""What is wrong with a workflow as it stands in the editor, each at its place, and at its line where it is text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem
from hookstation.ports.texts import WrittenDocument
from hookstation.web.pages.outgoing.saving import look_through
from hookstation.web.services import Services

_MISSING: Final = re.compile(r"“([^”]+)” is missing\. ?(.*)", re.DOTALL)
_NO_DOCUMENT: Final = "must be a workflow: an object with name, trigger and steps."


@dataclass(frozen=True, slots=True)
class Read:
    """A text of a person's: the document in it (``None``: there is none) and what is wrong, where lines say it."""

    document: dict[str, JSON] | None
    problems: Sequence[Problem] = ()
    written: WrittenDocument | None = None

    def line(self, problem: Problem) -> int:
        """The line of a problem; 0 where nobody can tell."""
        return self.written.line(problem.path, problem.position) if self.written else 0


def read_text(text: str, services: Services) -> Read:
    """The workflow that a text holds; of a whole config file with one workflow, that one."""
    try:
        written = services.texts.read(text)
    except Invalid as invalid:
        return Read(None, invalid.problems)
    document = written.value
    if not isinstance(document, dict):
        return Read(None, [Problem((), _NO_DOCUMENT)], written)
    return Read(document, (), written)


async def check(document: JSON, services: Services) -> list[Problem]:
    """Everything that is wrong with it by itself, and with what it names; each at the field that it is about."""
    if not isinstance(document, dict):
        return [Problem((), _NO_DOCUMENT)]
    named = {**document, "name": document["name"]} if document.get("name") else without(document, "name")
    try:
        found = await look_through(services, "workflow", named)
    except Invalid as invalid:
        found = list(invalid.problems)
    return list(told(found))


def without(document: dict[str, JSON], name: str) -> dict[str, JSON]:
    """The document without one of its members."""
    return {key: value for key, value in document.items() if key != name}


def told(problems: Iterable[Problem]) -> Iterable[Problem]:
    """Problems at the field that they are about: what is missing is said of itself and not of what it is missing in."""
    for one in problems:
        missing = _MISSING.fullmatch(one.message)
        if missing is None:
            yield one
        else:
            yield replace(one, path=(*one.path, missing[1]), message=f"is missing. {missing[2]}".strip())


def problem_json(problem: Problem, line: int = 0) -> dict[str, JSON]:
    """A problem as the editor's script reads it."""
    shown: dict[str, JSON] = {
        "path": list(problem.path),
        "message": problem.message,
        "severity": problem.severity,
    }
    return {**shown, "line": line} if line else shown
