"""One try of a delivery: rendered, signed, sent, and written down with its secrets masked."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable
from importlib.metadata import version
from typing import Final, NamedTuple, assert_never

from msgspec import structs

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
from hookstation.core.outgoing.values import DeliveryAttempt, EventOut, Trouble
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
        attempt = DeliveryAttempt(
            delivery_id,
            number,
            self._clock.now(),
            shape.subscription.method,
            masked_url(place.destination.url),
            node=self._node_id(),
        )
        try:
            return await self._try(attempt, place, shape, event)
        except Exception:  # a try that is not written down is made for ever, and nobody sees it
            log.exception("a try of the delivery %s broke", delivery_id)
            return Tried(_failed(attempt, Trouble.MAPPING, BROKE))

    async def _try(
        self, attempt: DeliveryAttempt, place: Place, shape: CompiledSubscription, event: EventOut
    ) -> Tried:
        destination, now = place.destination, attempt.started_at
        delivery_id, number = attempt.delivery_id, attempt.number
        try:
            ready = self._rendered(place, event, shape.render(event, delivery_id, number), delivery_id, now)
        except MappingFailed as refused:
            return Tried(_failed(attempt, Trouble.MAPPING, refused.message))
        proof: Headers = ()
        try:
            proof = await self.proof(destination)
            headers, receipt = await self.send(destination, ready, proof)
        except NotSent as failure:
            headers, body = masked_headers(ready.headers, destination), kept_body(ready.body)
            told = structs.replace(attempt, headers=headers, body=body, timing=failure.timing)
            failed = _failed(told, failure.trouble, failure.message)
            return Tried(without_echoes(failed, place.secrets, proof))
        tried = self._answered(attempt, masked_headers(headers, destination), ready.body, receipt)
        proof = headers[len(ready.headers) :]
        return tried._replace(attempt=without_echoes(tried.attempt, place.secrets, proof))

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

    def _answered(self, attempt: DeliveryAttempt, headers: Headers, body: bytes, receipt: Receipt) -> Tried:
        trouble = judge(receipt.status)
        told = structs.replace(
            attempt,
            headers=headers,
            body=kept_body(body),
            status=receipt.status,
            answer_headers=masked_answer(receipt.headers),
            answer=receipt.body,
            cut=receipt.cut,
            timing=receipt.timing,
            trouble=trouble,
            error="" if trouble is Trouble.NONE else f"The destination answered {receipt.status}.",
        )
        if trouble is Trouble.NONE:
            return Tried(told)
        return Tried(told, retry_after(receipt.headers, self._clock.now()))


def _failed(attempt: DeliveryAttempt, trouble: Trouble, error: str) -> DeliveryAttempt:
    timing = attempt.timing if attempt.timing.total >= 0 else structs.replace(attempt.timing, total=0)
    return structs.replace(attempt, trouble=trouble, error=error, timing=timing)


def _bearer(token: str) -> Headers:
    return (("Authorization", f"Bearer {token}"),)
