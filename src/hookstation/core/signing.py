"""Who a call is from: verification over raw bytes, in constant time, closed where anything is in doubt.

A new kind of authentication is a definition in `core.definitions`, a verifier here, and a case in each
`match` of `compile_verifier`, `authentication_problems` and `secret_headers`; the type checker names the ones
that are missing.
"""

# ruff: noqa: ARG002 - every verifier has the shape of `Verifier`; few need all of it

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature

from hookstation.core.definitions import (
    Authentication,
    HmacAuthentication,
    NoAuthentication,
    StandardWebhooksAuthentication,
    TokenAuthentication,
)
from hookstation.core.standard_keys import (
    KeyKind,
    kind_of_secret,
    public_key,
    shared_key,
    verifying_secret_problems,
)
from hookstation.core.values import Secret
from hookstation.errors import AuthenticationFailed, Problem

LONGEST_PROOF: Final = 4096
"""Most characters of a token or signature header that is looked at; a longer one is refused unread."""

MOST_LOOKED_AT: Final = 8
"""Most ed25519 signatures of a call that are verified: one costs as much as hundreds of HMACs."""

ALGORITHMS: Final = ("sha1", "sha256", "sha512")
ENCODINGS: Final = ("hex", "base64")

ALWAYS_SECRET: Final = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-access-token",
        "x-api-key",
        "x-auth-token",
        "x-gitlab-token",
    }
)
"""Headers that carry credentials whatever the webhook's authentication is; lower case."""

NO_PROOF: Final = frozenset(
    {
        "accept", "accept-charset", "accept-encoding", "accept-language", "connection", "content-digest",
        "content-disposition", "content-encoding", "content-language", "content-length", "content-location",
        "content-md5", "content-range", "content-type", "date", "expect", "forwarded", "from", "host",
        "keep-alive", "max-forwards", "origin", "proxy-connection", "range", "referer", "repr-digest", "te",
        "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-port", "x-forwarded-proto", "x-real-ip",
    }
)  # fmt: skip
"""Headers that say how a message is sent or what it is (RFC 9110), and those that proxies write: every call has them
or loses them on its way, so none can carry a proof; lower case."""

MESSAGE_ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURES: Final = "webhook-signature"
"""The headers of Standard Webhooks 1.0.0."""

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_:@~+/=-]{1,255}")
_UNIX_TIME: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"v[0-9]+[a-z]*,[A-Za-z0-9+/]+={0,2}")


class Verifier(Protocol):
    """Proves who a call is from. Header names are lower case, values text as latin-1 gives it.

    Both methods return where the call may go on, and raise `AuthenticationFailed` and nothing else where not.
    """

    def before_body(self, headers: Mapping[str, str]) -> None:
        """What can be proven before the body is read."""
        ...

    def over_body(self, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """What needs the raw body. `now`: microseconds since the epoch, UTC."""
        ...


def compile_verifier(authentication: Authentication) -> Verifier:
    """The verifier of a webhook; settings that cannot prove anything give one that refuses every call."""
    problems = authentication_problems(authentication)
    if problems:
        return _Closed("; ".join(str(problem) for problem in problems))
    match authentication:
        case NoAuthentication():
            return _Open()
        case TokenAuthentication():
            return _Token(authentication)
        case HmacAuthentication():
            return _Hmac(authentication)
        case StandardWebhooksAuthentication():
            return _StandardWebhooks(authentication)


def authentication_problems(authentication: Authentication) -> tuple[Problem, ...]:
    """Why these settings cannot prove anything; to be shown when the webhook is saved."""
    match authentication:
        case NoAuthentication():
            return ()
        case TokenAuthentication():
            return (*_header_problems(authentication.header), *_secret_problems(authentication.secret))
        case HmacAuthentication():
            return (
                *_header_problems(authentication.header),
                *_secret_problems(authentication.secret),
                *_choice_problems("algorithm", authentication.algorithm, ALGORITHMS),
                *_choice_problems("encoding", authentication.encoding, ENCODINGS),
            )
        case StandardWebhooksAuthentication():
            return tuple(
                problem.under("secret") for problem in verifying_secret_problems(authentication.secret)
            )


def secret_headers(authentication: Authentication) -> frozenset[str]:
    """Headers that the journal masks and mappings cannot read: the proof's own, and those that always are."""
    match authentication:
        case NoAuthentication():
            return ALWAYS_SECRET
        case TokenAuthentication() | HmacAuthentication():
            return ALWAYS_SECRET | {authentication.header.lower()}
        case StandardWebhooksAuthentication():
            return ALWAYS_SECRET | {SIGNATURES}


def sign_hmac(authentication: HmacAuthentication, body: bytes) -> dict[str, str]:
    """The header that a sender with this secret puts on `body`."""
    return {authentication.header: authentication.prefix + _hmac_text(authentication, body)}


def sign_standard_webhooks(secret: Secret, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0.0 with one ``v1`` signature.

    `timestamp`: seconds since the epoch. The secret must be a ``whsec_...`` that `authentication_problems` passes.
    """
    moment = str(timestamp)
    signature = _shared_signature(shared_key(secret), _signed(message_id, moment, body))
    return {MESSAGE_ID: message_id, TIMESTAMP: moment, SIGNATURES: f"v1,{signature}"}


class _Open:
    """Anybody may call."""

    def before_body(self, headers: Mapping[str, str]) -> None:
        """Nothing to prove."""

    def over_body(self, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """Nothing to prove."""


class _Closed:
    """Nobody may call, because the settings cannot prove anything."""

    def __init__(self, reason: str) -> None:
        self._reason = f"The webhook's authentication cannot be used. {reason}"

    def before_body(self, headers: Mapping[str, str]) -> None:
        """Refuse."""
        raise AuthenticationFailed(self._reason)

    def over_body(self, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """Refuse."""
        raise AuthenticationFailed(self._reason)


class _Token:
    """A static token, compared whole."""

    def __init__(self, authentication: TokenAuthentication) -> None:
        self._header = authentication.header.lower()
        self._secret = _secret_bytes(authentication.secret)

    def before_body(self, headers: Mapping[str, str]) -> None:
        """The header holds the token and nothing else."""
        if not hmac.compare_digest(_proof(headers, self._header), self._secret):
            raise AuthenticationFailed(f"The token in header {self._header} is not the one configured.")

    def over_body(self, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """Proven before the body."""


class _Hmac:
    """An HMAC of the raw body (RFC 2104).

    The received text is compared with the one text that is right, so that nothing has to be decoded: a base64
    form with stray bits in its last character, which a decoder would let pass, is refused.
    """

    def __init__(self, authentication: HmacAuthentication) -> None:
        self._settings = authentication
        self._header = authentication.header.lower()
        self._prefix = authentication.prefix.encode("utf-8", "surrogatepass")
        self._any_case = authentication.encoding == "hex"

    def before_body(self, headers: Mapping[str, str]) -> None:
        """Nothing can be proven yet."""

    def over_body(self, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """The header holds the prefix and the body's HMAC and nothing else."""
        proof = _proof(headers, self._header)
        if not proof.startswith(self._prefix):
            raise AuthenticationFailed(
                f"Header {self._header} does not begin with “{self._settings.prefix}”."
            )
        received = proof[len(self._prefix) :]
        if self._any_case:
            received = received.lower()
        if not hmac.compare_digest(received, _hmac_text(self._settings, body).encode()):
            raise AuthenticationFailed(f"The signature in header {self._header} is not that of this body.")


class _StandardWebhooks:
    """Standard Webhooks 1.0.0: HMAC-SHA256 (``v1``), or ed25519 (``v1a``) where the secret is a public key.

    Entries of other versions are passed over.
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """

    def __init__(self, authentication: StandardWebhooksAuthentication) -> None:
        self._kind = kind_of_secret(authentication.secret)
        self._proves = _prover(self._kind, authentication.secret)
        self._tolerance = authentication.tolerance * 1_000_000

    def before_body(self, headers: Mapping[str, str]) -> None:
        """Nothing can be proven yet."""

    def over_body(self, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """One of the signatures is that of id, timestamp and body, and the timestamp is near `now`."""
        message_id = _matching(
            headers, MESSAGE_ID, _MESSAGE_ID, "1 to 255 letters, digits and _ - : @ ~ + / ="
        )
        moment = _matching(headers, TIMESTAMP, _UNIX_TIME, "whole seconds since 1970")
        if abs(now - int(moment) * 1_000_000) > self._tolerance:
            raise AuthenticationFailed(
                f"{TIMESTAMP} is more than {self._tolerance // 1_000_000} s from our clock."
            )
        if not self._proves(_signed(message_id, moment, body), list(_signatures(headers, self._kind))):
            raise AuthenticationFailed(
                f"No {self._kind} signature in {SIGNATURES} is that of this id, timestamp and body."
            )


def _prover(kind: KeyKind, secret: Secret) -> Callable[[bytes, list[bytes]], bool]:
    """Whether one of some signatures, in base64, is that of what is signed."""
    if kind is KeyKind.HMAC:
        shared = shared_key(secret)

        def equal_one(signed: bytes, signatures: list[bytes]) -> bool:
            expected = _shared_signature(shared, signed).encode()
            matches = [hmac.compare_digest(one, expected) for one in signatures]
            return any(matches)

        return equal_one
    public = public_key(secret.reveal())

    def verify_one(signed: bytes, signatures: list[bytes]) -> bool:
        for one in signatures[:MOST_LOOKED_AT]:
            with suppress(InvalidSignature, binascii.Error):
                public.verify(binascii.a2b_base64(one, strict_mode=True), signed)
                return True
        return False

    return verify_one


def _proof(headers: Mapping[str, str], name: str) -> bytes:
    """The bytes of a header as they came over the wire; missing, empty or too long is refused."""
    value = headers.get(name, "")
    if not value:
        raise AuthenticationFailed(f"Header {name} is missing or empty.")
    if len(value) > LONGEST_PROOF:
        raise AuthenticationFailed(f"Header {name} is longer than {LONGEST_PROOF} characters.")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise AuthenticationFailed(f"Header {name} holds characters that no header can.") from None


def _matching(headers: Mapping[str, str], name: str, pattern: re.Pattern[str], form: str) -> str:
    """A header whose whole text has the form; else a refusal that names the form."""
    value = _proof(headers, name).decode("latin-1")
    if pattern.fullmatch(value) is None:
        raise AuthenticationFailed(f"{name} must be {form}.")
    return value


def _signatures(headers: Mapping[str, str], kind: KeyKind) -> Iterator[bytes]:
    """The base64 texts of the entries of a kind. One malformed entry refuses the call."""
    for entry in _proof(headers, SIGNATURES).decode("latin-1").split(" "):
        if _SIGNATURE.fullmatch(entry) is None:
            raise AuthenticationFailed(
                f"{SIGNATURES} must be a list of {kind},<base64> with one space between."
            )
        version, _, text = entry.partition(",")
        if version == kind:
            yield text.encode()


def _hmac_text(authentication: HmacAuthentication, body: bytes) -> str:
    """The body's HMAC as text, without the prefix."""
    digest = hmac.digest(_secret_bytes(authentication.secret), body, authentication.algorithm)
    return digest.hex() if authentication.encoding == "hex" else base64.b64encode(digest).decode()


def _signed(message_id: str, moment: str, body: bytes) -> bytes:
    return b"%s.%s.%s" % (message_id.encode(), moment.encode(), body)


def _shared_signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _secret_bytes(secret: Secret) -> bytes:
    """The secret as bytes; those that an environment variable could not decode come back as they were."""
    return secret.reveal().encode("utf-8", "surrogateescape")


def _header_problems(header: str) -> Iterator[Problem]:
    if _HEADER_NAME.fullmatch(header) is None:
        yield Problem(("header",), f"“{header}” is not a header name; write one such as X-Signature.")
    elif header.lower() in NO_PROOF:
        yield Problem(
            ("header",),
            f"“{header}” belongs to HTTP itself and cannot carry a proof; write one such as X-Signature.",
        )


def _secret_problems(secret: Secret) -> Iterator[Problem]:
    try:
        empty = not _secret_bytes(secret)
    except UnicodeEncodeError:
        yield Problem(("secret",), "The secret holds characters that are not text; set it anew.")
        return
    if empty:
        yield Problem(("secret",), "The secret is empty; give the one that the sender uses.")


def _choice_problems(name: str, value: str, allowed: tuple[str, ...]) -> Iterator[Problem]:
    if value not in allowed:
        yield Problem((name,), f"“{value}” is not known; write one of {', '.join(allowed)}.")
