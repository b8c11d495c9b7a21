"""Access tokens of destinations that want OAuth 2.0 client credentials (RFC 6749, 4.4).

A token is kept in memory until shortly before it expires, by each node for itself; however many deliveries wait for
one, it is fetched once.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Final, NamedTuple
from urllib.parse import quote_plus, urlencode

import msgspec

from hookstation.core.outgoing.definitions import ClientCredentials, Destination
from hookstation.core.outgoing.values import Trouble
from hookstation.core.values import Secret
from hookstation.engine.outgoing.dispatches import dispatch_to
from hookstation.ports.clock import Clock
from hookstation.ports.sender import NotSent, Receipt, Sender

USUAL_LIFE: Final = 300.0
"""Seconds that a token is kept whose answer does not say how long it lasts."""

LONGEST_LIFE: Final = 86_400.0
EARLY: Final = 60.0
"""Seconds before its end from which a token is not used any more, at most a quarter of its life."""

LARGEST_ANSWER: Final = 65_536
LONGEST_TOKEN: Final = 16_384
LONGEST_ERROR: Final = 200

_ASKING: Final = (
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Accept", "application/json"),
)


class _Answer(msgspec.Struct):
    access_token: str = ""
    token_type: str = "bearer"  # noqa: S105 - the kind, not a token
    expires_in: float | None = None
    error: str = ""
    error_description: str = ""


class _Token(NamedTuple):
    """`until`: seconds on the clock's monotonic scale."""

    token: Secret
    until: float


_decode: Final = msgspec.json.Decoder(_Answer, strict=False).decode


class Tokens:
    """Gets tokens and keeps them."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender, self._clock = sender, clock
        self._kept: dict[ClientCredentials, _Token] = {}
        self._under_way: dict[ClientCredentials, asyncio.Task[Secret]] = {}

    def kept(self, wanted: ClientCredentials) -> Secret | None:
        """The token that is there already, ``None`` where one has to be fetched."""
        found = self._kept.get(wanted)
        return found.token if found is not None and found.until > self._clock.monotonic() else None

    async def get(self, wanted: ClientCredentials, destination: Destination) -> Secret:
        """A token, fetched through what the destination permits where none is kept.

        Raises `NotSent` with `Trouble.CREDENTIALS`, whatever stood in the way.
        """
        found = self.kept(wanted)
        if found is not None:
            return found
        task = self._under_way.get(wanted)
        if task is None:
            task = asyncio.get_running_loop().create_task(
                self._fetch(wanted, destination), name=f"token for {destination.name}"
            )
            self._under_way[wanted] = task
            task.add_done_callback(lambda ended: self._ended(wanted, ended))
        return await asyncio.shield(task)

    def forget(self, wanted: ClientCredentials, token: Secret) -> None:
        """This token was refused; one that has come meanwhile stays."""
        found = self._kept.get(wanted)
        if found is not None and found.token == token:
            del self._kept[wanted]

    def _ended(self, wanted: ClientCredentials, task: asyncio.Task[Secret]) -> None:
        del self._under_way[wanted]
        if not task.cancelled():
            task.exception()  # whoever still waits hears it; nobody may

    async def _fetch(self, wanted: ClientCredentials, destination: Destination) -> Secret:
        body, headers = _request(wanted)
        dispatch = dispatch_to(destination, "POST", wanted.token_url, headers, body, LARGEST_ANSWER)
        asked = self._clock.monotonic()
        try:
            receipt = await self._sender.send(dispatch)
        except NotSent as failure:
            raise NotSent(
                Trouble.CREDENTIALS, f"The token could not be fetched: {failure.message}", failure.timing
            ) from failure
        answer = _read(receipt)
        life = USUAL_LIFE if answer.expires_in is None else min(answer.expires_in, LONGEST_LIFE)
        now = self._clock.monotonic()
        self._kept = {key: one for key, one in self._kept.items() if one.until > now}
        token = Secret(answer.access_token)
        self._kept[wanted] = _Token(token, asked + life - min(EARLY, life / 4))
        return token


def _request(wanted: ClientCredentials) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Form and headers. By basic authentication id and secret are form-encoded first (RFC 6749, 2.3.1)."""
    form = {"grant_type": "client_credentials"}
    if wanted.scope:
        form["scope"] = wanted.scope
    if wanted.audience:
        form["audience"] = wanted.audience
    if wanted.in_body:
        form |= {"client_id": wanted.client_id, "client_secret": wanted.client_secret.reveal()}
        return urlencode(form).encode(), _ASKING
    pair = f"{quote_plus(wanted.client_id)}:{quote_plus(wanted.client_secret.reveal())}"
    basic = ("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
    return urlencode(form).encode(), (*_ASKING, basic)


def _read(receipt: Receipt) -> _Answer:
    """The token endpoint's answer. Raises `NotSent`; what is told of a refusal is what RFC 6749, 5.2 says of it."""
    try:
        answer = _decode(receipt.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = _Answer()
    if receipt.status != 200:
        said = _plain(f"{answer.error} {answer.error_description}")
        why = f"The token endpoint answered {receipt.status}" + (f": {said}." if said else ".")
        raise NotSent(Trouble.CREDENTIALS, why, receipt.timing)
    if receipt.cut or not _is_token(answer.access_token) or answer.token_type.lower() != "bearer":
        why = "The token endpoint answered 200, but not with a bearer token as RFC 6749, 5.1 has it."
        raise NotSent(Trouble.CREDENTIALS, why, receipt.timing)
    return answer


def _plain(text: str) -> str:
    """A foreign sentence on one line, as far as it is passed on."""
    return "".join(one for one in text.strip()[:LONGEST_ERROR] if one.isprintable())


def _is_token(text: str) -> bool:
    """Whether it may stand in a header."""
    return 0 < len(text) <= LONGEST_TOKEN and text.isascii() and text.isprintable() and " " not in text
