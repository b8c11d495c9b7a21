"""How the station proves itself to a destination, as a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, assert_never

from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.outgoing.definitions import (
    ApiKeyHeader,
    Basic,
    Bearer,
    ClientCredentials,
    Credentials,
    NoCredentials,
)
from hookstation.core.signing import NO_PROOF
from hookstation.core.values import Secret
from hookstation.errors import Problem

NONE: Final = "none"
_VISIBLE: Final = re.compile("[!-~]+")
_HEADER_VALUE: Final = re.compile("[!-~]+(?:[ \t]+[!-~]+)*")

VARIANTS: Final[Mapping[str, tuple[Setting, ...]]] = {
    NONE: (),
    "bearer": (Setting("token", Kind.SECRET, required=True, help="Sent as `Authorization: Bearer TOKEN`."),),
    "basic": (
        Setting("username", Kind.TEXT, required=True, maximum=500, help="Without a colon."),
        Setting("password", Kind.SECRET, required=True, help="The password of the user."),
    ),
    "api_key": (
        Setting(
            "header",
            Kind.HEADER,
            default="X-API-Key",
            help="The header that carries the key.",
            example="X-API-Key",
        ),
        Setting("key", Kind.SECRET, required=True, help="The key."),
    ),
    "oauth2": (
        Setting(
            "token_url",
            Kind.ENDPOINT,
            required=True,
            help="Where a token is fetched with the client's credentials (RFC 6749, section 4.4); it is kept until it "
            "expires.",
            example="https://login.example.org/oauth/token",
        ),
        Setting("client_id", Kind.TEXT, required=True, maximum=500, help="The client's name there."),
        Setting("client_secret", Kind.SECRET, required=True, help="The client's secret there."),
        Setting("scope", Kind.TEXT, help="The scopes to ask for, with a space between.", example="webhooks"),
        Setting("audience", Kind.TEXT, help="For whom the token is to be, where the server wants to know."),
        Setting(
            "in_body",
            Kind.BOOLEAN,
            default=False,
            help="Whether the client's credentials go in the form, instead of by basic authentication.",
        ),
    ),
}
CREDENTIALS: Final = Setting(
    "authentication",
    Kind.ONE_OF,
    default={"type": NONE},
    variants=VARIANTS,
    help="How the station proves itself to the receiver, besides the signature.",
    example={"type": "bearer", "token": "${env:CRM_TOKEN}"},
)


def credentials_of(values: Values) -> Credentials:
    """The credentials that were decoded without problems."""
    match values.text("type"):
        case "bearer":
            return Bearer(values.secret("token"))
        case "basic":
            return Basic(values.text("username"), values.secret("password"))
        case "api_key":
            return ApiKeyHeader(values.text("header"), values.secret("key"))
        case "oauth2":
            return ClientCredentials(
                values.text("token_url"),
                values.text("client_id"),
                values.secret("client_secret"),
                values.text("scope"),
                values.text("audience"),
                values.flag("in_body"),
            )
    return NoCredentials()


def credentials_values(credentials: Credentials) -> dict[str, object]:
    """The settings of the credentials, with their type."""
    match credentials:
        case NoCredentials():
            return {"type": NONE}
        case Bearer(token):
            return {"type": "bearer", "token": token}
        case Basic(username, password):
            return {"type": "basic", "username": username, "password": password}
        case ApiKeyHeader(header, key):
            return {"type": "api_key", "header": header, "key": key}
        case ClientCredentials():
            return {
                "type": "oauth2",
                "token_url": credentials.token_url,
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret,
                "scope": credentials.scope,
                "audience": credentials.audience,
                "in_body": credentials.in_body,
            }
    assert_never(credentials)


def credentials_header(credentials: Credentials) -> str:
    """The header that they are sent in, in lower case; empty without credentials."""
    match credentials:
        case NoCredentials():
            return ""
        case ApiKeyHeader(header, _):
            return header.lower()
    return "authorization"


def check_credentials(credentials: Credentials) -> Iterator[Problem]:
    """What could not be sent as it was given."""
    match credentials:
        case Bearer(token):
            yield from _unsendable("token", token, _VISIBLE, "without spaces")
        case Basic(username, _) if ":" in username:
            yield Problem(
                ("username",), "must not hold a colon: receivers take what follows it for the password."
            )
        case ApiKeyHeader(header, key):
            yield from _unsendable("key", key, _HEADER_VALUE, "on one line")
            if header.lower() in NO_PROOF:
                message = (
                    f"“{header}” belongs to HTTP itself and cannot carry a key; write one such as X-API-Key."
                )
                yield Problem(("header",), message)


def _unsendable(name: str, secret: Secret, form: re.Pattern[str], words: str) -> Iterator[Problem]:
    text = secret.reveal()
    if not form.fullmatch(text):
        ends = " It begins or ends with a space or line break: remove that." if text != text.strip() else ""
        yield Problem((name,), f"goes into a header, which takes printable ASCII {words} only.{ends}")
