"""Repeated calls: one key, one effect, and the stored answer for everybody who asks again.

Inside a process the first caller holds a `Claim` and the others wait on it; across processes and restarts the mark in
the journal decides, because it is committed with the effect.  A key that this process has not seen lately is taken to
be new without asking the journal: the commit finds out, and until then nothing was told to anybody.
"""

from __future__ import annotations

import asyncio
from typing import Final

from hookstation.core import answers
from hookstation.core.answers import OUTCOME, Acknowledging, Voice
from hookstation.core.events import Answer, Mark
from hookstation.ports.clock import Clock
from hookstation.ports.store import Journal

FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 1.0
MOST_REMEMBERED: Final = 10_000
"""Keys of one generation; the one before it is remembered too."""


class Overtaken(Exception):
    """Another event committed this key first."""

    def __init__(self, mark: Mark) -> None:
        super().__init__(mark.key)
        self.mark = mark


class Claim:
    """The first caller's hold on a key while it works. `run_id` is set once the event is safe in the journal."""

    __slots__ = ("_ended", "_repeats", "digest", "event_id", "key", "run_id", "webhook")

    def __init__(self, repeats: Repeats, webhook: str, key: str, digest: bytes, event_id: str) -> None:
        self._repeats = repeats
        self._ended: asyncio.Future[None] | None = None
        self.webhook, self.key, self.digest, self.event_id = webhook, key, digest, event_id
        self.run_id = ""

    async def wait(self, seconds: float) -> bool:
        """Whether the holder ended within `seconds`."""
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait({self._ended}, timeout=max(0.0, seconds))
        return bool(done)

    def release(self) -> None:
        """Let the waiters look again. Safe to call twice."""
        if self._repeats.forget(self) and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


class Repeats:
    """Who works on which key in this process, and what the journal says of the others."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        self._working: dict[tuple[str, str], Claim] = {}
        self._lately: set[tuple[str, str]] = set()
        self._before: set[tuple[str, str]] = set()

    def forget(self, claim: Claim) -> bool:
        """Take the claim off the list and remember its key; false where it was not on the list any more."""
        place = (claim.webhook, claim.key)
        if self._working.get(place) is not claim:
            return False
        del self._working[place]
        self._lately.add(place)
        if len(self._lately) > MOST_REMEMBERED:
            self._before, self._lately = self._lately, set()
        return True

    def claim_new(self, webhook: str, key: str, digest: bytes, event_id: str) -> Claim | None:
        """A claim on a key that this process has not seen lately; ``None`` where it has to be asked for."""
        place = (webhook, key)
        if place in self._working or place in self._lately or place in self._before:
            return None
        return self._take(webhook, key, digest, event_id)

    def _take(self, webhook: str, key: str, digest: bytes, event_id: str) -> Claim:
        claim = Claim(self, webhook, key, digest, event_id)
        self._working[webhook, key] = claim
        return claim

    async def settled(self, claim: Claim, voice: Voice = OUTCOME) -> tuple[Answer, str] | None:
        """For a claimed key that is about to be refused: the answer that the journal holds for it already.

        A repeat is known before its body is checked, so a mark has the last word over the refusal.
        """
        mark = await self._journal.find_mark(claim.webhook, claim.key, self._clock.now())
        answer = None if mark is None else answer_of(mark, claim.digest, voice)
        return None if mark is None or answer is None else (answer, mark.event_id)

    async def claim(
        self, webhook: str, key: str, digest: bytes, event_id: str, deadline: float, voice: Voice = OUTCOME
    ) -> Claim | tuple[Answer, str]:
        """A claim for the caller that is first, else the answer for a repeat and the id of the first event.

        `voice`: how the caller is answered; one that is not to wait for the outcome does not wait here either.
        """
        pause = FIRST_PAUSE
        while True:
            holder = self._working.get((webhook, key))
            if holder is not None and holder.digest == digest:
                answer = await self._wait_for(holder, deadline, voice)
                if answer is not None:
                    return answer, holder.event_id
                continue
            mark = await self._journal.find_mark(webhook, key, self._clock.now())
            if mark is None:
                holder = self._working.get((webhook, key))
                if holder is None:
                    return self._take(webhook, key, digest, event_id)
                if holder.digest != digest:
                    return other_body(voice), holder.event_id
                continue
            answer = answer_of(mark, digest, voice)
            if answer is not None:
                return answer, mark.event_id
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return answers.pending(mark.run_id), mark.event_id
            await self._clock.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _wait_for(self, holder: Claim, deadline: float, voice: Voice) -> Answer | None:
        if isinstance(voice, Acknowledging) and holder.run_id:
            return voice.again(holder.event_id, holder.run_id)
        if await holder.wait(deadline - self._clock.monotonic()):
            return None
        if holder.run_id:
            return answers.pending(holder.run_id)
        return voice.busy(503, "The first call with this key is not stored yet. Send it again.", 1)


def answer_of(mark: Mark, digest: bytes, voice: Voice = OUTCOME) -> Answer | None:
    """What a repeat gets from this mark; ``None`` while it waits for the first call, at work in another process."""
    return other_body(voice) if mark.body_digest != digest else voice.repeated(mark)


def other_body(voice: Voice = OUTCOME) -> Answer:
    """409: the key was used with another body."""
    return voice.refused(
        409,
        "This key was already used with another body. A new event needs a new key; a repeat needs the same body.",
    )
