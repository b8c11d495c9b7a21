"""Reading a call that a person tries or sends: its body in one of three forms, its headers, its query."""

from __future__ import annotations

import base64
import re
from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem
from hookstation.web.api import asking

FORMS: Final = ("payload", "body", "body_base64")
MEMBERS: Final = (*FORMS, "headers", "query")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def raw_body(body: dict[str, JSON]) -> bytes:
    """The bytes of the call. Raises `Invalid` where not exactly one form is given."""
    given = [name for name in FORMS if name in body]
    if len(given) != 1:
        raise Invalid([Problem((), "give one of payload (JSON), body (text) and body_base64.")])
    if given == ["payload"]:
        return dump_json(body["payload"]).encode()
    text = asking.member(body, given[0], str, "")
    if given == ["body"]:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as failure:
        raise Invalid([Problem(("body_base64",), "is not base64.")]) from failure


def headers(body: dict[str, JSON]) -> dict[str, str]:
    """The headers of the call, by lower-case name: such as a sender could send. Raises `Invalid`."""
    given = body.get("headers", {})
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Invalid([Problem(("headers",), "must be an object of header names and texts.")])
    for name, value in given.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(str(value)):
            raise Invalid([Problem(("headers", name), "is no header that can be sent (RFC 9110, 5).")])
    return {name.lower(): str(value) for name, value in given.items()}
