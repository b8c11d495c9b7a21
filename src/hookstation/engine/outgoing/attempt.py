"""One try of a delivery: rendered, signed, sent, and written down with its secrets masked."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Final, NamedTuple, assert_never

from hookstation.core.outgoing import hops
from hookstation.core.outgoing.definitions import (
    ApiKeyHeader,
    Basic,
    Bearer,
    ClientCredentials,
    Destination,
    NoCredentials,
)
from hookstation.core.outgoing.retrying import judge, retry_after
from hookstation.core.outgoing.subscribing import CompiledSubscription, Rendered
from hookstation.core.outgoing.values import DeliveryAttempt, EventOut, Timing, Trouble
from hookstation.engine.outgoing.dispatches import (
    Headers,
    dispatch_to,
    kept_body,
    masked_answer,
    masked_headers,
    masked_url,
)
from hookstation.engine.outgoing.echoes import without_echoes
from hookstation.engine.outgoing.live import Place
from hookstation.engine.outgoing.tokens import Tokens
from hookstation.errors import MappingFailed
from hookstation.ports.clock import Clock
from hookstation.ports.sender import NotSent, Receipt, Sender

USER_AGENT: Final = f"Hookstation/{version('hookstation')}"
UNAUTHORIZED: Final = 401
KEPT: Final = 16_384
"""Bytes of an answer that are usually read."""
SECOND: Final = 1_000_000
AT_ONCE: Final = Timing(total=0)
"""The timing of what did not leave."""

BROKE: Final = "The station itself failed at this; its log says how. Please tell its makers."

log = logging.getLogger(__name__)


class Tried(NamedTuple):
    """A try and what it asks for. `wait`: seconds that the receiver asked us to wait, 0 where it did not."""

    attempt: DeliveryAttempt
    wait: float = 0.0

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.attempt.trouble is Trouble.NONE


class Trying:
    """Makes tries. `node_id` names this node."""

    def __init__(self, sender: Sender, tokens: Tokens, clock: Clock, node_id: Callable[[], str]) -> None:
        self._sender, self._tokens, self._clock, self._node_id = sender, tokens, clock, node_id

    async def try_once(
        self, place: Place, shape: CompiledSubscription, event: EventOut, delivery_id: str, number: int
    ) -> Tried:
        """Try it, however that ends. `number` counts the tries of the delivery from 1."""
        now, method = self._clock.now(), shape.subscription.method
        url, node = masked_url(place.destination.url), self._node_id()
        begun = partial(DeliveryAttempt, delivery_id, number, now, method, url, node=node)
        try:
            made = shape.render(event, delivery_id, number)
            ready = self._rendered(place, event, made, delivery_id, now)
            return await self._try(begun, place, ready)
        except MappingFailed as refused:
            return Tried(begun(trouble=Trouble.MAPPING, error=refused.message, timing=AT_ONCE))
        except Exception:  # a try that is not written down is made for ever, and nobody sees it
            log.exception("a try of the delivery %s broke", delivery_id)
            return Tried(begun(trouble=Trouble.MAPPING, error=BROKE, timing=AT_ONCE))

    async def _try(self, begun: partial[DeliveryAttempt], place: Place, ready: Rendered) -> Tried:
        destination = place.destination
        proof: Headers = ()
        try:
            if not isinstance(destination.credentials, NoCredentials):
                proof = await self.proof(destination)
            headers, receipt = await self.send(destination, ready, proof)
        except NotSent as failure:
            failed = begun(
                headers=masked_headers(ready.headers, destination),
                body=kept_body(ready.body),
                trouble=failure.trouble,
                error=failure.message,
                timing=failure.timing if failure.timing.total >= 0 else AT_ONCE,
            )
            return Tried(without_echoes(failed, place.secrets, proof))
        trouble = judge(receipt.status)
        answered = begun(
            headers=masked_headers(headers, destination),
            body=kept_body(ready.body),
            status=receipt.status,
            answer_headers=masked_answer(receipt.headers),
            answer=receipt.body,
            cut=receipt.cut,
            timing=receipt.timing,
            trouble=trouble,
            error="" if trouble is Trouble.NONE else f"The destination answered {receipt.status}.",
        )
        told = without_echoes(answered, place.secrets, headers[len(ready.headers) :])
        if trouble is Trouble.NONE:
            return Tried(told)
        return Tried(told, retry_after(receipt.headers, self._clock.now()))

    @staticmethod
    def _rendered(place: Place, event: EventOut, made: Rendered, delivery_id: str, now: int) -> Rendered:
        """The request with the station's own headers and its signature."""
        signed = place.signer.sign(delivery_id, now // SECOND, made.body, now)
        own = (("User-Agent", USER_AGENT), (hops.HEADER, str(event.hops + 1)))
        return Rendered(made.method, (*(own if event.source else own[:1]), *made.headers, *signed), made.body)

    async def send(
        self, destination: Destination, ready: Rendered, proof: Headers, kept: int = KEPT
    ) -> tuple[Headers, Receipt]:
        """Send it; where a token that was kept is refused, once more with a fresh one. Raises `NotSent`.

        `kept`: bytes of the answer that are read.
        """
        headers = (*ready.headers, *proof)
        receipt = await self._sender.send(
            dispatch_to(destination, ready.method, destination.url, headers, ready.body, kept)
        )
        wanted = destination.credentials
        if receipt.status != UNAUTHORIZED or not isinstance(wanted, ClientCredentials):
            return headers, receipt
        used = self._tokens.kept(wanted)
        if used is not None and proof == _bearer(used.reveal()):
            self._tokens.forget(wanted, used)
        headers = (*ready.headers, *await self.proof(destination))
        again = dispatch_to(destination, ready.method, destination.url, headers, ready.body, kept)
        return headers, await self._sender.send(again)

    async def proof(self, destination: Destination) -> Headers:
        """The headers that say who we are. Raises `NotSent`."""
        credentials = destination.credentials
        match credentials:
            case NoCredentials():
                return ()
            case Bearer():
                return _bearer(credentials.token.reveal())
            case Basic():
                pair = f"{credentials.username}:{credentials.password.reveal()}".encode(
                    errors="surrogateescape"
                )
                return (("Authorization", f"Basic {b64encode(pair).decode()}"),)
            case ApiKeyHeader():
                return ((credentials.header, credentials.key.reveal()),)
            case ClientCredentials():
                return _bearer((await self._tokens.get(credentials, destination)).reveal())
        assert_never(credentials)


def _bearer(token: str) -> Headers:
    return (("Authorization", f"Bearer {token}"),)
