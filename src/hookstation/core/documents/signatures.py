"""How deliveries to a destination are signed, as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.outgoing.definitions import HmacSigning, NoSigning, Signing, StandardSigning
from hookstation.core.outgoing.families import FAMILIES, family_of
from hookstation.core.signing import ALGORITHMS, ENCODINGS
from hookstation.core.values import Secret

NONE: Final = "none"
STANDARD: Final = "standard-webhooks"
HMAC: Final = "hmac"

_SECRET: Final = Setting(
    "secret", Kind.SECRET, required=True, help="What only the receiver and this station know."
)
_ROTATION: Final = (
    Setting("previous", Kind.SECRET, help="The secret that is being replaced; rotating writes it."),
    Setting(
        "previous_until",
        Kind.INTEGER,
        minimum=0,
        maximum=2**53,
        help="Until when the previous secret signs too, in microseconds since 1970; rotating writes it.",
    ),
)
VARIANTS: Final[Mapping[str, tuple[Setting, ...]]] = {
    STANDARD: (
        Setting(
            "secret",
            Kind.SECRET,
            help="`whsec_` and base64 of 24 to 64 bytes (HMAC, `v1`), or `whsk_` and base64 of an ed25519 key (`v1a`). "
            "Left out, the station makes one when the destination is first saved, and shows it once.",
        ),
        *_ROTATION,
    ),
    NONE: (),
    **dict.fromkeys(FAMILIES, (_SECRET, *_ROTATION)),
    HMAC: (
        Setting(
            "header",
            Kind.HEADER,
            required=True,
            help="The header that carries the signature.",
            example="X-Signature",
        ),
        _SECRET,
        Setting("algorithm", Kind.CHOICE, default="sha256", choices=ALGORITHMS, help="The hash of the HMAC."),
        Setting("encoding", Kind.CHOICE, default="hex", choices=ENCODINGS, help="How the hash is written."),
        Setting(
            "content",
            Kind.TEXT,
            default="{body}",
            maximum=200,
            help="What is signed: `{body}` once, with `{timestamp}` (seconds since 1970) and `{id}` as it needs them.",
            example="{timestamp}.{body}",
        ),
        Setting(
            "value",
            Kind.TEXT,
            default="{signature}",
            maximum=200,
            help="The header's value: `{signature}` once, with `{timestamp}` and `{id}` as the receiver reads them.",
            example="t={timestamp},v1={signature}",
        ),
        Setting("timestamp_header", Kind.TEXT, maximum=128, help="A header of its own for the timestamp."),
        Setting(
            "joint",
            Kind.TEXT,
            maximum=200,
            help="What stands between two signatures while the secret is being rotated; left out, the new secret alone "
            "signs.",
            example=",v1=",
        ),
        *_ROTATION,
    ),
}
SIGNING: Final = Setting(
    "signing",
    Kind.ONE_OF,
    default={"type": STANDARD},
    variants=VARIANTS,
    help=f"How deliveries are signed; left out: `{STANDARD}` with a secret that the station makes. The types named "
    "after a sender sign as that one does.",
    example={"type": "github", "secret": "${env:CRM_SECRET}"},
)


def signing_of(values: Values) -> Signing:
    """The signing that was decoded without problems."""
    kind = values.text("type")
    if kind == NONE:
        return NoSigning()
    previous, until = _optional(values, "previous"), values.optional_integer("previous_until") or 0
    if kind == STANDARD:
        return StandardSigning(_optional(values, "secret"), previous, until)
    if kind in FAMILIES:
        return FAMILIES[kind].with_secret(values.secret("secret"), previous, until)
    return HmacSigning(
        header=values.text("header"),
        secret=values.secret("secret"),
        algorithm=values.text("algorithm"),
        encoding=values.text("encoding"),
        content=values.text("content"),
        value=values.text("value"),
        timestamp_header=values.text("timestamp_header"),
        joint=values.text("joint"),
        previous=previous,
        previous_until=until,
    )


def _optional(values: Values, name: str) -> Secret | None:
    return values.secret(name) if name in values else None


def signing_values(signing: Signing) -> dict[str, object]:
    """The settings of a signing, with its type: the name of the family where one has this form."""
    match signing:
        case NoSigning():
            return {"type": NONE}
        case StandardSigning():
            return {"type": STANDARD, **_secrets(signing)}
        case HmacSigning():
            if family := family_of(signing):
                return {"type": family, **_secrets(signing)}
            return {
                "type": HMAC,
                "header": signing.header,
                "algorithm": signing.algorithm,
                "encoding": signing.encoding,
                "content": signing.content,
                "value": signing.value,
                "timestamp_header": signing.timestamp_header,
                "joint": signing.joint,
                **_secrets(signing),
            }
    assert_never(signing)


def _secrets(signing: StandardSigning | HmacSigning) -> dict[str, object]:
    rotating = {"previous": signing.previous, "previous_until": signing.previous_until}
    return {"secret": signing.secret, **(rotating if signing.previous is not None else {})}
