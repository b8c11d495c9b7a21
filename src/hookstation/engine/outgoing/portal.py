"""The portal: a signed link with which the owner of one destination looks after it, and after nothing else.

The link names its destination, the URL that this one had then, and its end; whoever changes one of these has no link.
Where the destination goes to another host or path, its former owner's links are over, and so they are where it is
deleted: who gets its name sees nothing of what was there before.  `revoke` ends all links of one.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from hookstation.core.outgoing.definitions import Destination
from hookstation.core.values import Secret
from hookstation.engine.outgoing.live import Live
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.deliveries import PORTAL_ROUND
from hookstation.ports.log import EventLog
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Settings

USUAL_SECONDS: Final = 7 * 86_400
LEAST_SECONDS: Final = 60
MOST_SECONDS: Final = 90 * 86_400
LONGEST_TOKEN: Final = 1_000
KEY: Final = "portal key"
"""The fact that holds the key of all links, sealed; made when the first link is."""


class _Claim(msgspec.Struct, array_like=True):
    destination: str
    until: int


@dataclass(frozen=True, slots=True)
class Guest:
    """Who came by a link: for one destination, until `until` (microseconds since the epoch).

    `since`: what is older is not theirs to see.
    """

    destination: str
    until: int
    since: int = 0

    @property
    def name(self) -> str:
        """As whom the log names them."""
        return f"portal: {self.destination}"


class _Round(NamedTuple):
    """What a destination's links go with; an empty `token` goes with none."""

    token: str
    since: int


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Claim).decode


class Portal:
    """Makes links, knows them again, and ends them."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        live: Live,
        clock: Clock,
        identifiers: Identifiers,
        event_log: EventLog,
    ) -> None:
        self._settings, self._vault, self._live = settings, vault, live
        self._clock, self._identifiers, self._event_log = clock, identifiers, event_log

    async def link(self, name: str, who: str, seconds: int = USUAL_SECONDS) -> tuple[str, int]:
        """A new link's token, and until when it is good. Raises `NotFound`, `Invalid` for `seconds`."""
        if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
            message = f"must be a whole number from {LEAST_SECONDS} to {MOST_SECONDS}."
            raise Invalid([Problem(("seconds",), message)])
        destination = self._live.destination(name)
        until = self._clock.now() + seconds * 1_000_000
        claim = _encode(_Claim(name, until))
        proof = await self._proof(claim, destination, await self._begun(name))
        self._event_log.write("portal_link_made", destination=name, until=until, by=who)
        return f"{_text(claim)}.{_text(proof)}", until

    async def enter(self, token: str) -> Guest | None:
        """Who comes by this link; ``None`` where it is none, is over, or was revoked."""
        claim, _, proof = token.partition(".")
        try:
            said = _bytes(claim)
            read, proven = _decode(said), _bytes(proof)
        except (BadBase64, ValueError, msgspec.DecodeError):
            return None
        if len(token) > LONGEST_TOKEN or read.until <= self._clock.now():
            return None
        try:
            destination = self._live.destination(read.destination)
        except NotFound:
            return None
        turn = await self._round(read.destination)
        if not turn.token or not hmac.compare_digest(proven, await self._proof(said, destination, turn)):
            return None
        return Guest(read.destination, read.until, turn.since)

    async def revoke(self, name: str, who: str) -> None:
        """End all links of a destination. Raises `NotFound`."""
        self._live.destination(name)
        turn = await self._round(name)
        await self._settings.set_fact(PORTAL_ROUND + name, f"{self._identifiers.token()}.{turn.since}")
        self._event_log.write("portal_links_revoked", destination=name, by=who)

    async def _round(self, name: str) -> _Round:
        token, _, since = (await self._settings.get_fact(PORTAL_ROUND + name)).partition(".")
        return _Round(token, int(since or 0))

    async def _begun(self, name: str) -> _Round:
        """The round that links are made for now."""
        turn = await self._round(name)
        if not turn.token:
            fact, fresh = PORTAL_ROUND + name, f"{self._identifiers.token()}.{turn.since}"
            if turn.since:
                await self._settings.set_fact(fact, fresh)
            else:
                await self._settings.claim_fact(fact, fresh)
            turn = await self._round(name)
        return turn

    async def _proof(self, claim: bytes, destination: Destination, turn: _Round) -> bytes:
        content = b"\n".join((claim, place_of(destination).encode(), turn.token.encode()))
        return hmac.digest(await self._key(), content, "sha256")

    async def _key(self) -> bytes:
        sealed = await self._settings.get_fact(KEY)
        if not sealed:
            fresh = self._identifiers.token() + self._identifiers.token()
            sealed = await self._settings.claim_fact(KEY, self._vault.seal(Secret(fresh), KEY))
        return self._vault.open(sealed, KEY).reveal().encode()


def place_of(destination: Destination) -> str:
    """Where a destination is, without its query: hosts that many share part them by path (example.com/their-id)."""
    parts = urlsplit(destination.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower() + parts.path


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
