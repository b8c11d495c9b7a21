"""People who sign in: their e-mail addresses, their passwords' rules, and what a role may do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from hookstation.errors import Invalid, Problem

LONGEST_EMAIL: Final = 254
"""Characters; a path of SMTP has 256 with its brackets (RFC 5321, 4.5.3.1.3)."""

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1_024
"""Bytes of UTF-8: more would only give the hash more work."""

_EMAIL: Final = re.compile(
    r"""[^\s@/?#%"<>()\[\]\\,;:]{1,64}@[^\s@/?#%"<>()\[\]\\,;:.]+(\.[^\s@/?#%"<>()\[\]\\,;:.]+)*"""
)

WORST: Final = frozenset(
    {
        "123456789012",
        "1234567890123",
        "12345678901234",
        "123123123123",
        "abcdefghijkl",
        "administrator",
        "administrator1",
        "adminadminadmin",
        "changemechangeme",
        "correct horse battery staple",
        "correcthorsebatterystaple",
        "hookstation123",
        "hookstationhookstation",
        "iloveyouiloveyou",
        "letmeinletmein",
        "passw0rdpassw0rd",
        "password1234",
        "password12345",
        "password123456",
        "passwordpassword",
        "qwertyqwerty",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopasdf",
        "welcome12345",
        "welcomewelcome",
    }
)
"""Passwords of sufficient length that are tried first; letters count in either case."""


class Role(StrEnum):
    """What somebody is here."""

    ADMINISTRATOR = "administrator"


class Act(StrEnum):
    """What somebody wants to do."""

    SEE = "see"
    CHANGE = "change"
    ADMINISTER = "administer"
    """People and keys: who may come in at all."""


_RIGHTS: Final[Mapping[str, frozenset[Act]]] = {Role.ADMINISTRATOR: frozenset(Act)}


def may(role: str, act: Act) -> bool:
    """Whether `role` may do `act`; a role that is not known may nothing. Every page and route asks here."""
    return act in _RIGHTS.get(role, frozenset())


def account_of(email: str) -> str:
    """What an e-mail address is found by: its letters in one case and one form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).casefold())


def check_email(email: str) -> str:
    """The address without spaces around it, as it was written. Raises `Invalid`."""
    written = email.strip()
    if len(written) > LONGEST_EMAIL or not written.isprintable() or not _EMAIL.fullmatch(written):
        message = f"must be an e-mail address of at most {LONGEST_EMAIL} characters, like anna@example.org."
        raise Invalid([Problem(("email",), message)])
    return written


def check_role(role: str) -> Role:
    """The role of this name. Raises `Invalid`."""
    if role not in set(Role):
        raise Invalid([Problem(("role",), f"must be one of {', '.join(Role)}.")])
    return Role(role)


def check_password(password: str, email: str) -> None:
    """Whether a new password will do. Raises `Invalid`.

    Length and not being guessed first are what counts; there are no rules on what it is made of (NIST SP 800-63B,
    3.1.1.2).
    """
    problem = ""
    if len(password) < SHORTEST_PASSWORD:
        problem = f"must have at least {SHORTEST_PASSWORD} characters; several words do well."
    elif len(password.encode("utf-8", "surrogatepass")) > LONGEST_PASSWORD:
        problem = f"must have at most {LONGEST_PASSWORD} bytes."
    elif account_of(password) == account_of(email):
        problem = "must not be the e-mail address."
    elif account_of(password) in WORST or len(set(password)) == 1:
        problem = "is one of those that are guessed first: choose another."
    if problem:
        raise Invalid([Problem(("password",), problem)])
