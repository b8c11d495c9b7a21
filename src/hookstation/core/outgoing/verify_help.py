"""How to verify our signatures: a program for whoever receives, in the language that he writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hookstation.core.outgoing.definitions import HmacSigning, NoSigning, Signing
from hookstation.core.outgoing.snippets.csharp import CSharp
from hookstation.core.outgoing.snippets.forms import Language, form_of
from hookstation.core.outgoing.snippets.javascript import JavaScript
from hookstation.core.outgoing.snippets.php import Php
from hookstation.core.outgoing.snippets.python import Python
from hookstation.core.standard_keys import KeyKind, kind_of_secret, public_text
from hookstation.core.values import Secret

PLACEHOLDER: Final = "<the secret>"
"""Stands for the secret wherever it is not to be shown."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program with the function ``verify``. `needs`: what it uses besides the language itself, empty for nothing."""

    language: str
    code: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class _Offer:
    name: str
    writer: Language
    for_public_keys: str = ""


_OFFERS: Final = (
    _Offer("Python", Python(), "pip install cryptography"),
    _Offer("JavaScript", JavaScript()),
    _Offer("C#", CSharp(), "dotnet add package BouncyCastle.Cryptography"),
    _Offer("PHP", Php()),
)


def how_to_verify(signing: Signing, *, shown: bool = False) -> tuple[Snippet, ...]:
    """A program in each language; none where deliveries are not signed, or by nothing yet.

    The secret stands in them only where it is `shown`, else `PLACEHOLDER`; a public key always does, for it is none.
    """
    match signing:
        case NoSigning():
            return ()
        case HmacSigning():
            secret, form = _text(signing.secret, shown), form_of(signing)
            return tuple(Snippet(one.name, one.writer.family(form, secret)) for one in _OFFERS)
    if signing.secret is None:
        return ()
    if kind_of_secret(signing.secret) is KeyKind.ED25519:
        key = public_text(signing.secret)
        return tuple(Snippet(one.name, one.writer.public(key), one.for_public_keys) for one in _OFFERS)
    secret = _text(signing.secret, shown)
    return tuple(Snippet(one.name, one.writer.shared(secret)) for one in _OFFERS)


def _text(secret: Secret, shown: bool) -> str:
    """What is no text (a variable of the environment may hold any bytes) has no place in a program."""
    text = secret.reveal()
    return text if shown and _is_text(text) else PLACEHOLDER


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
