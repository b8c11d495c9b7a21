"""The calls of a transfer: with a connection's credentials, or with its own, as deliveries have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from hookstation.core.outgoing.definitions import Destination, NoSigning
from hookstation.core.outgoing.subscribing import Rendered
from hookstation.core.outgoing.values import Trouble
from hookstation.core.transfers.definitions import HttpTarget
from hookstation.engine.outgoing.attempt import USER_AGENT, Trying
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.answers import checked
from hookstation.engine.workflows.steps.calls import api_of
from hookstation.errors import NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiAnswer, ApiCall
from hookstation.ports.clock import Clock
from hookstation.ports.sender import NotSent

SECONDS: Final = 60.0
LARGEST: Final = 1024 * 1024
"""Bytes of an answer."""

REDIRECT: Final = 300
REPEATABLE: Final = frozenset({"PUT", "DELETE"})
"""Methods of which a second call changes nothing more (RFC 9110, 9.2.2)."""


class OutCalls:
    """Makes the calls of transfers."""

    def __init__(self, targets: Targets, trying: Trying, clock: Clock) -> None:
        self._targets, self._trying, self._clock = targets, trying, clock

    async def call(
        self, target: HttpTarget, place: str, headers: Mapping[str, str], body: bytes, kind: str
    ) -> ApiAnswer:
        """One call. `place`: the path below the connection's address, or the whole address; `kind`: the media type.

        Raises `ActionFailed`: `UnknownOutcome` where it may have been done and the method cannot be repeated.
        """
        try:
            if target.connection:
                return await self._through(target, place, headers, body, kind)
            return await self._directly(target, place, headers, body, kind)
        except UnknownOutcome as unknown:
            if target.method in REPEATABLE:
                raise Retriable(unknown.message, detail=unknown.detail) from unknown
            raise

    async def _through(
        self, target: HttpTarget, place: str, headers: Mapping[str, str], body: bytes, kind: str
    ) -> ApiAnswer:
        path, _, query = place.partition("?")
        pairs = tuple(parse_qsl(query, keep_blank_values=True))
        call = ApiCall(target.method, path, pairs, headers, body, kind, SECONDS, LARGEST)
        return await api_of(self._targets, target.connection).call(call)

    async def _directly(
        self, target: HttpTarget, place: str, headers: Mapping[str, str], body: bytes, kind: str
    ) -> ApiAnswer:
        destination = Destination(
            "transfer",
            place,
            credentials=target.credentials,
            signing=NoSigning(),
            networks=target.networks,
            ports=target.ports,
            timeout=SECONDS,
        )
        own = (("User-Agent", USER_AGENT), ("Content-Type", kind))
        ready = Rendered(target.method, (*own, *headers.items()), body)
        try:
            proof = await self._trying.proof(destination)
            _, receipt = await self._trying.send(destination, ready, proof, LARGEST)
        except NotSent as failure:
            raise _meaning(failure) from failure
        said = {name.lower(): value for name, value in receipt.headers}
        answer = checked(ApiAnswer(receipt.status, said, receipt.body), target.method, self._clock.now())
        if receipt.status >= REDIRECT:
            raise Terminal(f"The target answered {receipt.status}: it is elsewhere now; correct the address.")
        if receipt.cut:
            raise Terminal(f"The answer has more than {LARGEST:,} bytes; the call was made.")
        return answer


def _meaning(failure: NotSent) -> Exception:
    if failure.trouble is Trouble.CREDENTIALS:
        return NeedsAuth(failure.message)
    if failure.sent:
        return UnknownOutcome(failure.message)
    if failure.trouble is Trouble.ADDRESS:
        return Terminal(failure.message)
    return Retriable(failure.message)
