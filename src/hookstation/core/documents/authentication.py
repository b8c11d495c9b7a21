"""How the callers of a webhook prove themselves, as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from hookstation.core.definitions import (
    Authentication,
    HmacAuthentication,
    NoAuthentication,
    StandardWebhooksAuthentication,
    TokenAuthentication,
)
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.signing import ALGORITHMS, ENCODINGS, authentication_problems
from hookstation.errors import Problem

_HEADER: Final = Setting(
    "header", Kind.HEADER, required=True, help="The header that carries the proof.", example="X-Signature"
)
_SECRET: Final = Setting(
    "secret", Kind.SECRET, required=True, help="What only the sender and this station know."
)
VARIANTS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "none": (),
    "token": (_HEADER, _SECRET),
    "hmac": (
        _HEADER,
        Setting(
            "algorithm",
            Kind.CHOICE,
            default="sha256",
            choices=ALGORITHMS,
            help="The hash of the HMAC over the raw body.",
        ),
        Setting("encoding", Kind.CHOICE, default="hex", choices=ENCODINGS, help="How the hash is written."),
        Setting(
            "prefix", Kind.TEXT, maximum=100, help="What stands before it in the header.", example="sha256="
        ),
        _SECRET,
    ),
    "standard-webhooks": (
        Setting(
            "tolerance",
            Kind.DURATION,
            default="5m",
            minimum=1,
            maximum=86_400,
            help="How old or early a signature's time may be.",
        ),
        Setting(
            "secret",
            Kind.SECRET,
            required=True,
            help="`whsec_` and base64 of 24 to 64 bytes, which only the sender and this station know (`v1`), or the "
            "sender's public key, `whpk_` and base64 of 32 bytes (`v1a`).",
        ),
    ),
}
AUTHENTICATION: Final = Setting(
    "authentication",
    Kind.ONE_OF,
    required=True,
    variants=VARIANTS,
    help="How callers prove themselves. "
    "Where anybody who knows the URL may post, say it aloud: {type: none}.",
    example={"type": "token", "header": "X-Token", "secret": "${env:LMS_TOKEN}"},
)


def authentication_of(values: Values) -> Authentication:
    """The authentication that was decoded without problems."""
    match values.text("type"):
        case "token":
            return TokenAuthentication(values.text("header"), values.secret("secret"))
        case "hmac":
            return HmacAuthentication(
                values.text("header"),
                values.secret("secret"),
                values.text("algorithm"),
                values.text("encoding"),
                values.text("prefix"),
            )
        case "standard-webhooks":
            return StandardWebhooksAuthentication(values.secret("secret"), int(values.seconds("tolerance")))
    return NoAuthentication()


def check_authentication(values: Values) -> list[Problem]:
    """What decoding alone cannot see of settings that it found nothing wrong with: whether they can prove anything."""
    return list(authentication_problems(authentication_of(values)))


def authentication_values(authentication: Authentication) -> dict[str, object]:
    """The settings of an authentication, with its type."""
    match authentication:
        case NoAuthentication():
            return {"type": "none"}
        case TokenAuthentication(header, secret):
            return {"type": "token", "header": header, "secret": secret}
        case HmacAuthentication(header, secret, algorithm, encoding, prefix):
            return {
                "type": "hmac",
                "header": header,
                "algorithm": algorithm,
                "encoding": encoding,
                "prefix": prefix,
                "secret": secret,
            }
        case StandardWebhooksAuthentication(secret, tolerance):
            return {"type": "standard-webhooks", "tolerance": tolerance, "secret": secret}
    assert_never(authentication)
