"""A webhook's document that is being written: perhaps incomplete, its secrets in whatever form they are needed.

Its secrets are known by their place alone, since nothing else of it need be right: under `authentication`, whatever its
type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from hookstation.core.documents.authentication import VARIANTS
from hookstation.core.documents.places import copy
from hookstation.core.documents.secrets import MASK, PersonSecrets, SealedSecrets, webhook_purpose
from hookstation.core.documents.work import ANSWERING
from hookstation.core.fieldlist import Kind
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON, Secret
from hookstation.errors import Invalid, Problem, SecretError

Document: TypeAlias = dict[str, JSON]

AUTHENTICATION: Final = "authentication"
SECRETS: Final = frozenset(
    one.name for settings in VARIANTS.values() for one in settings if one.kind is Kind.SECRET
)
"""The names of the settings under `authentication` that are secret in one of its types."""

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "general": ("name", "title", "note", "state"),
    "data": ("schema",),
    "action": ("action", "workflow"),
    "access": (
        AUTHENTICATION,
        "access",
        "duplicates",
        "limits",
        "answer",
        *(setting.name for setting in ANSWERING),
        "hold",
        "keep_rejected_bodies",
    ),
}
"""The settings of each section of the wizard; what is in none of them is shown with *general*."""

_MISSING: Final = re.compile(r"“(\w+)” is missing\.")

_STAND_INS: Final[Mapping[str, JSON]] = {
    AUTHENTICATION: {"type": "none"},
    "action": {
        "type": "insert_activity",
        "connection": RECORDS,
        "fields": {"ActivityType": "TEST", "ID": "1"},
    },
}


def by_section(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """Problems of a webhook by the section in which they are put right; every section is there."""
    found: dict[str, list[Problem]] = {section: [] for section in SECTIONS}
    for problem in problems:
        place = problem.path[0] if problem.path else ""
        section = next((name for name, settings in SECTIONS.items() if place in settings), "general")
        found[section].append(problem)
    return found


def at_its_field(problem: Problem) -> Problem:
    """A problem that something is missing, at the place where it is to be put in and not at what lacks it."""
    missing = _MISSING.match(problem.message)
    if missing is None:
        return problem
    message = "is missing." + problem.message[missing.end() :]
    return Problem((*problem.path, missing[1]), message, problem.severity)


def sealed(name: str, document: Document, known: PersonSecrets, vault: SealedSecrets) -> Document:
    """A document from a person as it is stored. An empty secret is left out.

    Raises `Invalid` where a secret is none.
    """

    def seal(setting: str, value: JSON) -> JSON:
        if value == "":
            return None
        try:
            return vault.encode(known.decode(value, _purpose(name, setting)), _purpose(name, setting))
        except Invalid as invalid:
            raise Invalid([one.under(AUTHENTICATION, setting) for one in invalid.problems]) from invalid

    return _with_secrets(document, seal)


def opened(name: str, document: Document, vault: SealedSecrets) -> Document:
    """A stored document as a person would send it, with its secrets: never to be shown. Raises `SecretError`."""

    def reveal(setting: str, value: JSON) -> JSON:
        secret = vault.decode(value, _purpose(name, setting))
        return (
            {"value": secret.reveal(), "reference": secret.reference} if secret.reference else secret.reveal()
        )

    return _with_secrets(document, reveal)


def masked(document: Document) -> Document:
    """A stored document as it is shown: secrets as their references, or masked."""

    def mask(_setting: str, value: JSON) -> JSON:
        reference = value.get("reference") if isinstance(value, dict) else None
        return reference if isinstance(reference, str) and reference else MASK

    return _with_secrets(document, mask)


def secrets_of(
    name: str, document: Document, vault: SealedSecrets, purpose_of: str = ""
) -> dict[str, Secret]:
    """The secrets of a stored document by purpose: that of `purpose_of`, where it gets another name.

    One that cannot be opened is left out.
    """
    found: dict[str, Secret] = {}
    proof = document.get(AUTHENTICATION)
    for setting in SECRETS.intersection(proof) if isinstance(proof, dict) else ():
        assert isinstance(proof, dict)
        try:
            found[_purpose(purpose_of or name, setting)] = vault.decode(
                proof[setting], _purpose(name, setting)
            )
        except (Invalid, SecretError):
            continue
    return found


def mended(document: Document, problems: Iterable[Problem]) -> tuple[Document, frozenset[str]]:
    """The document with a stand-in for each setting that has an error, so that the others can be checked; and which.

    What stands in for an action or a proof is right for every schema.
    """
    broken = {str(one.path[0]) for one in problems if one.path and one.severity == "error"}
    broken |= {place for place in _STAND_INS if place not in document}
    kept: Document = {place: value for place, value in document.items() if place not in broken}
    stand_ins: Document = {place: value for place, value in _STAND_INS.items() if place in broken}
    return {**kept, **stand_ins}, frozenset(broken)


def _purpose(name: str, setting: str) -> str:
    return f"{webhook_purpose(name)}/{AUTHENTICATION}/{setting}"


def _with_secrets(document: Document, change: Callable[[str, JSON], JSON]) -> Document:
    """A copy with each secret changed; one that becomes ``None`` is left out."""
    copied = copy(document)
    assert isinstance(copied, dict)
    proof = copied.get(AUTHENTICATION)
    if isinstance(proof, dict):
        for setting in SECRETS.intersection(proof):
            value = change(setting, proof.pop(setting))
            if value is not None:
                proof[setting] = value
    return copied
