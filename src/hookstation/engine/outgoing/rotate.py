"""A destination gets a new secret; the old one signs too for a while, so that its receiver can change over in peace."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.documents import SealedSecrets
from hookstation.core.documents.destination import encode_destination
from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.definitions import HmacSigning, NoSigning, Signing
from hookstation.core.outgoing.signing import rotate, signing_problems
from hookstation.core.standard_keys import KeyKind, kind_of_secret, new_standard_secret
from hookstation.core.values import Secret
from hookstation.engine.board import Board
from hookstation.engine.outgoing.live import Live
from hookstation.errors import Invalid, Problem
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog
from hookstation.ports.secrets import Vault
from hookstation.ports.store import ConfigurationChange, Settings

USUAL_OVERLAP: Final = 24 * 3_600
MOST_OVERLAP: Final = 30 * 86_400
"""Seconds for which the old secret signs too."""

SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new secret, to be shown once. `until`: microseconds since the epoch, from when it signs alone; 0: now."""

    secret: Secret
    until: int


class Rotate:
    """Gives destinations new secrets."""

    def __init__(
        self,
        settings: Settings,
        board: Board,
        live: Live,
        vault: Vault,
        clock: Clock,
        identifiers: Identifiers,
        event_log: EventLog,
    ) -> None:
        self._settings, self._board, self._live = settings, board, live
        self._sealed = SealedSecrets(vault)
        self._clock, self._identifiers, self._event_log = clock, identifiers, event_log

    async def rotate(
        self, name: str, who: str, overlap: int = USUAL_OVERLAP, secret: Secret | None = None
    ) -> Rotated:
        """Sign with a new secret from now on; the old one signs too for `overlap` seconds, where the form allows it.

        `secret`: the receiver's own, else one is made.  Raises `NotFound`; `Invalid` for the overlap or the secret;
        `Conflict` where deliveries are not signed, or the configuration was changed at this very moment.
        """
        if not 0 <= overlap <= MOST_OVERLAP:
            raise Invalid(
                [Problem(("overlap",), f"must be a whole number of seconds from 0 to {MOST_OVERLAP}.")]
            )
        await self._board.refresh()
        destination = self._live.destination(name)
        until = self._clock.now() + overlap * SECOND if overlap else 0
        fresh = self._fresh(destination.signing) if secret is None else secret
        signing = rotate(destination.signing, fresh, until)
        if problems := signing_problems(signing):
            raise Invalid(problems)
        document = dump_json(encode_destination(replace(destination, signing=signing), self._sealed))
        change = ConfigurationChange(destinations={name: document}, by=who)
        await self._settings.save_configuration(change, self._board.stored.revision)
        await self._board.refresh()
        self._event_log.write("destination_secret_rotated", destination=name, until=until, by=who)
        return Rotated(fresh, signing.previous_until)

    def _fresh(self, signing: Signing) -> Secret:
        """A secret of the kind that is there."""
        if isinstance(signing, HmacSigning | NoSigning):
            return Secret(self._identifiers.token() + self._identifiers.token())
        kind = kind_of_secret(signing.secret) if signing.secret is not None else KeyKind.HMAC
        return made_secret(self._identifiers, kind)


def made_secret(identifiers: Identifiers, kind: KeyKind = KeyKind.HMAC) -> Secret:
    """A new secret of Standard Webhooks, of 256 fresh bits."""
    fresh = identifiers.token() + identifiers.token()
    return new_standard_secret(hashlib.sha256(fresh.encode()).digest(), kind)
