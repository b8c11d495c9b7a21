"""What the target's answers mean, in one place: a believed body, or the error that is the instruction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.errors import ActionFailed, BodyRefused, Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.http import HttpAnswer

DEPTH: Final = 128
MEMBERS: Final = 1_000_000
"""Bounds of an answer's JSON: a page of 500 wide entities stays well below."""

LONGEST_MESSAGE: Final = 500
MOST_MESSAGES: Final = 10
LONGEST_DETAIL: Final = 2_000
LONGEST_WAIT: Final = 86_400
LONGEST_NUMBER: Final = 10
"""Most seconds that a Retry-After is believed, and fewer characters than this are read as its number."""

DONE: Final = frozenset({200, 201, 202, 204})
UNDECIDED: Final = frozenset({408, *range(500, 600)}) - {501}
"""Statuses that do not say whether the call was executed."""

_ADDRESSES: Final = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]*"  # URLs
    r"|\\\\[^\s\"'<>]+"  # shares
    r"|\b[a-z]:\\[^\s\"'<>]+"  # paths of a drive
    r"|\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"  # mail
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"  # IPv4
    r"|(?<![\w:])(?:(?:[0-9a-f]{1,4}:){4,7}|(?:[0-9a-f]{1,4}:){0,6}:(?:[0-9a-f]{1,4}:){0,6})[0-9a-f]{0,4}"
    r"(?![\w:])"  # IPv6, but no time of day
    r"|\b[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){2,}(?::\d+)?\b"  # names of three labels and more
    r"|\b[a-z0-9-]{1,63}\.(?:com|org|net|local|lan|internal|corp|intra)(?::\d+)?\b",
    re.IGNORECASE,
)


class Call(Enum):
    """What a call does when it is executed a second time."""

    READ = auto()
    """Nothing."""
    REPLACE = auto()
    """The same whole again."""
    ADD = auto()
    """Another row: never to be repeated blindly."""


class NoSuchThing(Terminal):
    """The target has no such entity or operation. `gone`: there is no such record either, as far as it says."""

    gone = False


class NoSuchRecord(NoSuchThing):
    """The target has no such entity or record."""

    gone = True


def believe(answer: HttpAnswer, call: Call, host: str = "") -> JSON:
    """The body of an answer that says: done. ``None`` where there is no body.

    `host` is the target's own name, which messages must not give away.
    Raises what the answer means otherwise; messages are safe for senders, details are not.
    """
    detail = f"status {answer.status}: {answer.body[:LONGEST_DETAIL].decode('utf-8', 'replace')}"
    body, readable = _read(answer.body)
    if answer.status not in DONE:
        raise _refusal(answer, body, call, detail, host)
    if not readable:
        raise _undecided("The target's answer is not JSON", call, detail)
    if isinstance(body, dict):
        _disbelieve(body, detail, host)
    return body


def _disbelieve(body: dict[str, JSON], detail: str, host: str) -> None:
    """Raise where a body under a good status says that nothing was done."""
    failed = (
        body.get("IsSuccessStatusCode") is False
        or body.get("IsValid") is False
        or ("Result" in body and body["Result"] is None and bool(body.get("Message")))
    )
    if failed:
        raise Terminal(_sentence("The target did not save the record", body, host), detail=detail)


def _refusal(answer: HttpAnswer, body: JSON, call: Call, detail: str, host: str) -> ActionFailed:
    status = answer.status
    if status == 401:
        return NeedsAuth("The target refuses our credentials.", detail=detail)
    if status == 429:
        wait = answer.headers.get("retry-after", "")
        seconds = min(int(wait), LONGEST_WAIT) if wait.isdecimal() and len(wait) < LONGEST_NUMBER else 0
        return Busy("The target is busy (429); nothing was done.", detail=detail, seconds=seconds)
    if status in UNDECIDED:
        return _undecided(f"The target failed ({status})", call, detail)
    if 300 <= status < 400:
        return Terminal(
            f"The target redirects elsewhere ({status}); put its final address in the connection.",
            detail=detail,
        )
    match status:
        case 400:
            return Terminal(_sentence("The target refused the record (400)", body, host), detail=detail)
        case 403:
            return Terminal("The target does not allow this account to do that (403).", detail=detail)
        case 404:
            return NoSuchRecord("The target has no such entity or record (404).", detail=detail)
        case 409:
            return Terminal("The target already has a record with this key (409).", detail=detail)
        case 501:
            return NoSuchThing("The target does not offer this entity or operation (501).", detail=detail)
        case _:
            return Terminal(f"The target refused the call ({status}).", detail=detail)


def _undecided(what: str, call: Call, detail: str) -> ActionFailed:
    if call is Call.ADD:
        return UnknownOutcome(f"{what}; whether the record was saved is not known.", detail=detail)
    return Retriable(f"{what}.", detail=detail)


def _sentence(what: str, body: JSON, host: str) -> str:
    messages = [clean(message, host) for message in validation_messages(body)][:MOST_MESSAGES]
    told = "; ".join(message for message in messages if message)
    return f"{what}: {_cut(told)}" if told else f"{what}."


def validation_messages(body: JSON) -> Iterator[str]:
    """``Errors[].Message`` of a validation result: all that may go on to the sender."""
    errors = body.get("Errors") if isinstance(body, dict) else None
    values = errors.get("$values") if isinstance(errors, dict) else errors
    for each in values if isinstance(values, list) else []:
        message = each.get("Message") if isinstance(each, dict) else None
        if isinstance(message, str):
            yield message


def clean(message: str, host: str = "") -> str:
    """A message without addresses and without what follows its first line (a stack, as a rule)."""
    first = message[:LONGEST_DETAIL].strip().partition("\n")[0].partition("   at ")[0]
    if "." in host:
        first = re.sub(re.escape(host), "[address]", first, flags=re.IGNORECASE)
    return _cut(_ADDRESSES.sub("[address]", first).strip())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def _read(body: bytes) -> tuple[JSON, bool]:
    """The body, and whether it could be read; an empty one is ``None`` and well."""
    stripped = body.removeprefix(b"\xef\xbb\xbf").strip()
    if stripped in (b"", b"null"):
        return None, True
    try:
        return parse_json(stripped, depth=DEPTH, members=MEMBERS).value, True
    except BodyRefused:
        return None, False
