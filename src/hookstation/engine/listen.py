"""Captures: temporary URLs that listen, so that a schema can be drafted from what a sender really posts.

A capture lies beside the webhooks under ``/hooks/``: a call that no webhook takes is looked up here, in memory, which
costs the lane nothing.  Every node follows what is open.  What is heard is no event: it is not in the journal, and it
goes when the capture is over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hookstation.core import answers
from hookstation.core.access import RateLimit
from hookstation.core.definitions import MEBIBYTE, Action, Limits, NoAuthentication, Webhook
from hookstation.core.events import Answer
from hookstation.core.masking import mask_headers, mask_query
from hookstation.core.records import RECORDS
from hookstation.core.schema_words import Violation
from hookstation.core.signing import ALWAYS_SECRET
from hookstation.core.values import Secret
from hookstation.engine.bell import Bell
from hookstation.engine.compiler import SchemaShelf, compile_webhook
from hookstation.engine.drafts import is_name
from hookstation.engine.process import NOT_STORED, RETRY_AFTER
from hookstation.engine.stages import RawRequest
from hookstation.engine.switchboard import CompiledWebhook
from hookstation.engine.targets import Targets
from hookstation.errors import Invalid, NotFound, Problem, SecretError, StoreError
from hookstation.ports.captures import CAPTURES_CHANGED, MOST_BYTES, MOST_CALLS, Capture, CapturedCall
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Store

WATCH_PAUSE: Final = 3.0
"""Seconds between looks for captures, for hints that were lost: with them a capture listens on every node at once."""

FORGET_EVERY: Final = 60 * 1_000_000
"""Microseconds between two looks for captures that are over."""

USUAL_SECONDS: Final = 3_600
MOST_SECONDS: Final = 24 * 3_600
LARGEST_CALL: Final = MEBIBYTE
CALLS_A_SECOND: Final = 5
TOKEN_PURPOSE: Final = "capture/{}/token"  # noqa: S105 - what tokens are sealed for
FULL: Final = (
    f"This capture has heard its {MOST_CALLS} calls, has no room for this one among its {MOST_BYTES // MEBIBYTE} MiB,"
    " or is over. Open another one."
)

ANSWERS: Final = {
    200: answers.SUCCEEDED,
    400: answers.invalid([Violation("", "example", "This is the answer to a body that does not fit.")]),
    401: answers.refused(401, "The call could not be authenticated."),
    404: answers.NOT_FOUND,
    429: answers.busy(429, "Too many calls to this webhook. Slow down.", 60),
    500: answers.failed("This is the answer to a call whose record could not be written."),
    503: answers.busy(503, "The station is busy. Send it again.", 1),
}
"""What the callers of a capture may be answered, as a webhook would answer."""

_TAKES_ANYTHING: Final = Webhook(
    "",
    NoAuthentication(),
    Action("insert_activity", RECORDS, {"ActivityType": "CAPTURE", "ID": "0"}),
    limits=Limits(LARGEST_CALL),
)
"""What bounds a capture's calls on their way through the lane; its action is never carried out."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Ear:
    """One open capture on this node. Implements `engine.ingest.Listener`."""

    capture: Capture
    token: str
    hook: CompiledWebhook
    store: Store
    rate: RateLimit = field(default_factory=lambda: RateLimit(CALLS_A_SECOND, 1))

    async def hear(self, raw: RawRequest, body: bytes) -> Answer:
        """Keep the call, and answer what was chosen."""
        call = CapturedCall(
            self.capture.id,
            0,
            raw.received_at,
            raw.sender,
            body,
            mask_headers(raw.headers, ALWAYS_SECRET),
            mask_query(raw.query) if raw.query else "",
        )
        try:
            number = await self.store.keep_call(call)
        except StoreError as failure:
            log.error("captured call not kept: %s", failure.message)
            return answers.busy(503, NOT_STORED, RETRY_AFTER)
        return ANSWERS[self.capture.status] if number else answers.busy(429, FULL, 60)


class Captures:
    """Opens and closes captures, and finds them by their tokens. Implements `engine.ingest.Listening`."""

    def __init__(
        self, store: Store, vault: Vault, targets: Targets, clock: Clock, identifiers: Identifiers
    ) -> None:
        self._store, self._vault, self._targets = store, vault, targets
        self._clock, self._identifiers = clock, identifiers
        self._ears: dict[str, Ear] = {}
        self._forgot_at = 0

    def find(self, token: str, now: int) -> Ear | None:
        """What listens under this token now."""
        ear = self._ears.get(token)
        return ear if ear is not None and ear.capture.until > now else None

    async def open(
        self, by: str, webhook: str = "", *, seconds: int = USUAL_SECONDS, status: int = 200
    ) -> tuple[Capture, str]:
        """Listen at a new URL from now on; returns the capture and its token.

        `webhook`: for whose draft.  `status`: which of `ANSWERS` its callers get.  Raises `Invalid`, and `Conflict`
        where too many are open.
        """
        if not 60 <= seconds <= MOST_SECONDS:
            raise Invalid([Problem(("seconds",), f"must be a whole number from 60 to {MOST_SECONDS}.")])
        if status not in ANSWERS:
            raise Invalid([Problem(("answer",), f"must be one of {', '.join(map(str, ANSWERS))}.")])
        if webhook and not is_name(webhook):
            raise Invalid([Problem(("webhook",), "is no name that a webhook can have; leave it out.")])
        now, token = self._clock.now(), self._identifiers.token()
        capture_id = self._identifiers.run_id()
        sealed = self._vault.seal(Secret(token), TOKEN_PURPOSE.format(capture_id))
        capture = Capture(capture_id, sealed, by, webhook, now, now + seconds * 1_000_000, status)
        await self._store.open_capture(capture, now)
        await self.refresh()
        return capture, token

    async def list(self) -> Sequence[tuple[Capture, str]]:
        """Open captures with their tokens, the oldest first."""
        return [(one, self.token(one)) for one in await self._store.open_captures(self._clock.now())]

    async def show(self, capture_id: str, after: int = 0) -> tuple[Capture, str, Sequence[CapturedCall]]:
        """A capture, its token, and what it heard after call number `after`. Raises `NotFound`."""
        capture = await self._store.get_capture(capture_id) if capture_id.isalnum() else None
        if capture is None:
            raise NotFound("capture", capture_id)
        return capture, self.token(capture), await self._store.captured_calls(capture_id, after)

    async def call(self, capture_id: str, number: int) -> CapturedCall:
        """One call that was heard. Raises `NotFound`."""
        _, _, calls = await self.show(capture_id, number - 1)
        if not calls or calls[0].number != number:
            raise NotFound("captured call", f"{capture_id} {number}")
        return calls[0]

    async def close(self, capture_id: str) -> None:
        """Stop listening, and forget what was heard. Raises `NotFound`."""
        if not capture_id.isalnum() or not await self._store.close_capture(capture_id):
            raise NotFound("capture", capture_id)
        await self.refresh()

    def token(self, capture: Capture) -> str:
        """The token of its URL; empty where it was sealed under another master key."""
        try:
            return self._vault.open(capture.token, TOKEN_PURPOSE.format(capture.id)).reveal()
        except SecretError:
            return ""

    async def refresh(self) -> None:
        """Listen at what is open now, and at nothing else."""
        known = {ear.capture.id: ear for ear in self._ears.values()}
        found = await self._store.open_captures(self._clock.now())
        ears = [known.get(one.id) or Ear(one, self.token(one), self._hook(), self._store) for one in found]
        self._ears = {ear.token: ear for ear in ears if ear.token}

    async def watch(self) -> None:
        """Until cancelled: follow what other nodes open and close, and forget what is over."""
        bell = Bell(self._clock)
        stop = self._store.subscribe(lambda hint: bell.ring() if hint == CAPTURES_CHANGED else None)
        try:
            while True:
                await self._follow()
                await bell.wait(WATCH_PAUSE)
        finally:
            stop()

    async def _follow(self) -> None:
        try:
            await self.refresh()
            now = self._clock.now()
            if now - self._forgot_at >= FORGET_EVERY:
                self._forgot_at = now
                await self._store.forget_captures(now)
        except StoreError as failure:
            log.error("captures not read: %s", failure.message)
        except Exception:
            log.exception("following the captures broke, and goes on")

    def _hook(self) -> CompiledWebhook:
        return compile_webhook(_TAKES_ANYTHING, self._targets, SchemaShelf())
