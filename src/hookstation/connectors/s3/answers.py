"""What a store's answers mean (“Error Responses” of the Amazon S3 API reference), and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as Xml

from hookstation.errors import Busy, HookstationError, NeedsAuth, NotFound, Retriable, Terminal
from hookstation.ports.http import HttpAnswer

KEYS: Final = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
)
LATER: Final = (429, 500, 502, 503, 504)


class Exists(Terminal):
    """There is a file of this name already; choose another name, or allow that it is replaced."""


class NoSuchUpload(NotFound):
    """What was written of a file so far is not there any more."""


def read_xml(answer: HttpAnswer) -> Xml.Element:
    """The document of an answer. Raises `Retriable` where it is none: something in between has answered."""
    if b"<!" not in answer.body:  # S3 has no document types, in which entities are defined
        try:
            return Xml.fromstring(answer.body)  # noqa: S314 - nothing is left in it that could grow
        except Xml.ParseError:
            pass
    raise Retriable("The store's answer cannot be read; look whether the endpoint is right.")


def text_of(element: Xml.Element, name: str) -> str:
    """The text of the first child of this name, whatever its namespace; empty where there is none."""
    return next((child.text or "" for child in children(element, name)), "")


def children(element: Xml.Element, name: str) -> Iterator[Xml.Element]:
    """The children of this name, whatever their namespace."""
    return (child for child in element if child.tag.rpartition("}")[2] == name)


def microseconds(text: str) -> int:
    """A time as the store writes it; 0 for none."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000)
    except ValueError:
        return 0


def code_of(answer: HttpAnswer) -> str:
    """The name of the error in an answer; empty where it has none."""
    if not answer.body.lstrip().startswith(b"<"):
        return ""
    try:
        element = read_xml(answer)
    except Retriable:
        return ""
    return text_of(element, "Code") if element.tag.rpartition("}")[2] == "Error" else ""


def believe(answer: HttpAnswer, path: str) -> HttpAnswer:
    """The answer where it says: done. An error may come with 200, when the store had begun to answer before it.

    Raises `ActionFailed` of the kind that it means, and `NotFound`.
    """
    code = code_of(answer)
    if answer.status < 300 and not code:
        return answer
    raise _refusal(answer.status, code, path, f"{answer.status} {code} {answer.body[:500]!r}")


def _refusal(status: int, code: str, path: str, detail: str) -> HookstationError:
    match status, code:
        case _, "NoSuchUpload":
            return NoSuchUpload("unfinished file", path)
        case _, "NoSuchBucket":
            return Terminal(
                "The store has no such bucket; look at `bucket`, `endpoint` and `region`.", detail=detail
            )
        case 404, _:
            return NotFound("file", path)
        case ((409 | 412), ("PreconditionFailed" | "ConditionalRequestConflict")):
            return Exists(detail=detail)
        case _, "RequestTimeTooSkewed":
            return Terminal(
                "The station's clock and the store's are too far apart; set the station's.", detail=detail
            )
        case _ if code in KEYS or status == 401:
            return NeedsAuth("The store refuses the keys: look at access_key and secret_key.", detail=detail)
        case 403, _:
            return Terminal(
                f"The store does not let these keys use “{path}”; ask for the right to.", detail=detail
            )
        case ((301 | 307), _) | (
            _,
            "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraint",
        ):
            return Terminal(
                "The bucket is in another region; correct `region` and `endpoint`.", detail=detail
            )
        case _ if status in LATER or code in ("SlowDown", "InternalError", "ServiceUnavailable"):
            return Busy("The store is busy.", detail=detail)
        case _:
            return Terminal(f"The store refused to do this with “{path}” ({code or status}).", detail=detail)
