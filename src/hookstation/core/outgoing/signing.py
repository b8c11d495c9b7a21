"""Deliveries are signed: Standard Webhooks 1.0.0, or an HMAC in the form that the receiver knows.

Receivers get the delivery's id and the time of the attempt in the headers ``webhook-id`` and ``webhook-timestamp``
whatever the signature is, so that each of them can know a delivery that comes twice.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias, assert_never

from hookstation.core.outgoing.definitions import HmacSigning, NoSigning, Signing, StandardSigning
from hookstation.core.signing import ALGORITHMS, ENCODINGS, MESSAGE_ID, NO_PROOF, SIGNATURES, TIMESTAMP
from hookstation.core.standard_keys import (
    KeyKind,
    kind_of_secret,
    private_key,
    shared_key,
    signing_secret_problems,
)
from hookstation.core.values import Secret
from hookstation.errors import Conflict, Problem

Headers: TypeAlias = tuple[tuple[str, str], ...]

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_WRITABLE: Final = re.compile(r"[ -~]{1,200}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
CONTENT_NAMES: Final = ("body", "timestamp", "id")
VALUE_NAMES: Final = ("signature", "timestamp", "id")


class Signer:
    """Signs what goes to one destination; made once for many deliveries."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing
        self._makers: dict[Secret, Callable[[bytes], str]] = {}

    def sign(self, delivery_id: str, timestamp: int, body: bytes, now: int) -> Headers:
        """The headers for one attempt, in the order in which they are sent.

        `timestamp`: seconds since the epoch of the attempt. `now`: microseconds since the epoch; it tells whether the
        previous secret signs too.  `ValueError`: the settings are not such that `signing_problems` passes.
        """
        named = ((MESSAGE_ID, delivery_id), (TIMESTAMP, str(timestamp)))
        match self._signing:
            case NoSigning():
                return named
            case StandardSigning():
                signed = b"%s.%d.%s" % (delivery_id.encode(), timestamp, body)
                proofs = [self._standard(secret, signed) for secret in signing_secrets(self._signing, now)]
                return (*named, (SIGNATURES, " ".join(proofs)))
            case HmacSigning():
                return (*named, *self._family(self._signing, delivery_id, timestamp, body, now))
        assert_never(self._signing)

    def _standard(self, secret: Secret, signed: bytes) -> str:
        maker = self._makers.get(secret)
        if maker is None:
            maker = self._makers[secret] = _standard_maker(secret)
        return maker(signed)

    def _family(
        self, signing: HmacSigning, delivery_id: str, timestamp: int, body: bytes, now: int
    ) -> Headers:
        moment = str(timestamp)
        facts = {"body": body, "timestamp": moment.encode(), "id": delivery_id.encode()}
        content = _filled(signing.content, facts)
        proofs = [_hmac_text(signing, secret, content) for secret in signing_secrets(signing, now)]
        texts = {"signature": signing.joint.join(proofs), "timestamp": moment, "id": delivery_id}
        value = _PLACE.sub(lambda place: texts[place[1]], signing.value)
        moments = ((signing.timestamp_header, moment),) if signing.timestamp_header else ()
        return (*moments, (signing.header, value))


def sign(signing: Signing, delivery_id: str, timestamp: int, body: bytes, now: int) -> Headers:
    """`Signer.sign` for a single delivery."""
    return Signer(signing).sign(delivery_id, timestamp, body, now)


def signing_secrets(signing: StandardSigning | HmacSigning, now: int) -> tuple[Secret, ...]:
    """The secrets that sign now, the newest first. `now`: microseconds since the epoch.

    An HMAC whose form has no room for two is signed with the new secret alone.
    """
    newest = (signing.secret,) if signing.secret is not None else ()
    if signing.previous is None or now >= signing.previous_until or not _has_room_for_two(signing):
        return newest
    return (*newest, signing.previous)


def _has_room_for_two(signing: StandardSigning | HmacSigning) -> bool:
    return isinstance(signing, StandardSigning) or bool(signing.joint)


def rotate(signing: Signing, secret: Secret, until: int) -> StandardSigning | HmacSigning:
    """The signing with a new secret; the one until now signs too until `until` (microseconds since the epoch, 0: no).

    A secret that was already being replaced signs no more, nor does the old one of an HMAC whose form has no room for
    two.  Raises `Conflict` where deliveries are not signed, and for the secret that signs already: a repeated call must
    not end the one that it replaced.
    """
    if isinstance(signing, NoSigning):
        raise Conflict("Its deliveries are not signed: there is no secret to rotate. Choose a signing first.")
    if secret == signing.secret:
        raise Conflict(
            "Its deliveries are signed with this secret already. Give another, or none to have one made."
        )
    if signing.secret is None or not until or not _has_room_for_two(signing):
        return replace(signing, secret=secret, previous=None, previous_until=0)
    return replace(signing, secret=secret, previous=signing.secret, previous_until=until)


def signed_headers(signing: Signing) -> frozenset[str]:
    """The headers that `sign` writes, in lower case: no other setting may write them."""
    common = {MESSAGE_ID, TIMESTAMP}
    match signing:
        case NoSigning():
            return frozenset(common)
        case StandardSigning():
            return frozenset({*common, SIGNATURES})
        case HmacSigning():
            return frozenset({*common, signing.header.lower(), signing.timestamp_header.lower()} - {""})
    assert_never(signing)


def signing_problems(signing: Signing) -> tuple[Problem, ...]:
    """Why deliveries cannot be signed so, or nobody could verify it; to be shown when the destination is saved."""
    match signing:
        case NoSigning():
            return ()
        case StandardSigning():
            if signing.previous is not None and signing.secret is None:
                return (
                    Problem(
                        ("previous",), "is replaced by no secret: write “secret” too, or leave this out."
                    ),
                )
            secrets = {"secret": signing.secret, "previous": signing.previous}
            return tuple(
                problem.under(name)
                for name, secret in secrets.items()
                if secret is not None
                for problem in signing_secret_problems(secret)
            )
        case HmacSigning():
            return (*_header_problems(signing), *_form_problems(signing))
    assert_never(signing)


def _standard_maker(secret: Secret) -> Callable[[bytes], str]:
    if kind_of_secret(secret) is KeyKind.ED25519:
        key = private_key(secret)
        return lambda signed: f"{KeyKind.ED25519},{base64.b64encode(key.sign(signed)).decode()}"
    keyed, kind = hmac.new(shared_key(secret), digestmod="sha256"), f"{KeyKind.HMAC},"

    def proof(signed: bytes) -> str:
        made = keyed.copy()  # keying it anew takes half as long again
        made.update(signed)
        return kind + base64.b64encode(made.digest()).decode()

    return proof


def _hmac_text(signing: HmacSigning, secret: Secret, content: bytes) -> str:
    key = secret.reveal().encode("utf-8", "surrogateescape")
    digest = hmac.digest(key, content, signing.algorithm)
    return digest.hex() if signing.encoding == "hex" else base64.b64encode(digest).decode()


def _filled(content: str, facts: Mapping[str, bytes]) -> bytes:
    """The text with its places filled: `re.split` gives text and names by turns."""
    parts = _PLACE.split(content)
    return b"".join(facts[part] if index % 2 else part.encode() for index, part in enumerate(parts))


def _header_problems(signing: HmacSigning) -> Iterator[Problem]:
    headers = {"header": signing.header, "timestamp_header": signing.timestamp_header}
    for name, header in headers.items():
        if not header and name == "timestamp_header":
            continue
        if not _HEADER_NAME.fullmatch(header):
            yield Problem((name,), f"“{header}” is not a header name; write one such as X-Signature.")
        elif header.lower() in NO_PROOF or header.lower() in (MESSAGE_ID, TIMESTAMP):
            yield Problem(
                (name,),
                f"“{header}” is written by HTTP or by the station; write another, such as X-Signature.",
            )
    if signing.header.lower() == signing.timestamp_header.lower():
        yield Problem(
            ("timestamp_header",), "is the signature's own header; choose another, or leave it out."
        )


def _form_problems(signing: HmacSigning) -> Iterator[Problem]:
    for name, value, allowed in (
        ("algorithm", signing.algorithm, ALGORITHMS),
        ("encoding", signing.encoding, ENCODINGS),
    ):
        if value not in allowed:
            yield Problem((name,), f"“{value}” is not known; write one of {', '.join(allowed)}.")
    yield from _text_problems("content", signing.content, CONTENT_NAMES)
    yield from _text_problems("value", signing.value, VALUE_NAMES)
    if signing.joint and not _WRITABLE.fullmatch(signing.joint):
        yield Problem(("joint",), "may hold printable ASCII only.")
    if "{timestamp}" in signing.content and not ("{timestamp}" in signing.value or signing.timestamp_header):
        yield Problem(
            ("content",),
            "signs the time, but the receiver is not told it: put {timestamp} into “value”, or name a"
            " “timestamp_header”.",
        )


def _text_problems(name: str, text: str, places: tuple[str, ...]) -> Iterator[Problem]:
    """The first of `places` must stand in the text once, nothing else in braces but the others."""
    allowed = ", ".join(f"{{{place}}}" for place in places)
    if not _WRITABLE.fullmatch(text):
        yield Problem((name,), "must be 1 to 200 characters of printable ASCII.")
    elif set(_PLACE.sub("", text)) & set("{}") or not set(_PLACE.findall(text)) <= set(places):
        yield Problem((name,), f"may hold {allowed} and no other braces.")
    elif _PLACE.findall(text).count(places[0]) != 1:
        yield Problem((name,), f"must hold {{{places[0]}}} once.")
