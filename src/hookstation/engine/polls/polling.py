"""A poll's turn: its source is asked, and what is new is committed together with how far it was read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec
from msgspec import structs

from hookstation.core.definitions import WebhookState
from hookstation.core.jobs import POLLS, Job, JobEnd, Leased
from hookstation.core.outgoing.values import Emission
from hookstation.core.polling.definitions import Poll
from hookstation.core.polling.position import (
    Position,
    moved,
    read_position,
    rule_digest,
    source_digest,
    write_position,
)
from hookstation.core.polling.turns import Found
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Kept, Outcome
from hookstation.engine.chain.counts import ChainCounts
from hookstation.engine.lane_worker import Room
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.polls.accepting import Accepting
from hookstation.engine.polls.asking import Asking, Look, asked_of
from hookstation.engine.switchboard import CompiledWebhook, Switchboard
from hookstation.errors import Busy, HookstationError, StoreError, Terminal
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.runs import Turn, Turned, TurnEnd
from hookstation.ports.store import Store

AT_ONCE: Final = 20
"""Polls that one node does at the same time."""

LEASE: Final = 300.0
LONGEST_TURN: Final = LEASE - 60.0
"""Seconds that a source may take for one turn, so that its lease is not over before what it said is committed."""

PUT_OFF: Final = 5.0
LONGEST_PAUSE: Final = 3_600.0
NEVER: Final = 366 * 86_400.0
"""Seconds that a poll waits that only a schedule or a person asks, or that is not active."""

TOO_LONG: Final = "The source took longer than {seconds:g} s for one turn. Take fewer items a turn."
BROKEN: Final = (
    "What it answered met a mistake of Hookstation itself. The log has the details; please report it."
)
NOT_HELD: Final = "Another node took this poll over meanwhile; what it found counts."
TURN: Final = "turn"
"""The key under which the last turn is kept."""

log = logging.getLogger(__name__)


class PollTurn(msgspec.Struct, frozen=True):
    """One turn. `found`: items that it took; of these `accepted` are new and `repeated` were known by their keys.

    `more`: there is more to take at once.  `at`: microseconds.  `error`: why the source could not be asked.
    """

    at: int
    found: int = 0
    accepted: int = 0
    repeated: int = 0
    more: bool = False
    began: bool = False
    error: str = ""


write_turn = msgspec.json.Encoder().encode
read_turn = msgspec.json.Decoder(PollTurn).decode


class Known(Protocol):
    """Where the live polls are."""

    @property
    def polls(self) -> Mapping[str, Poll]:
        """By name."""
        ...


def poll_job(poll: Poll, position: Position, seconds: float) -> Job:
    """The job of a poll, due in so many seconds."""
    ruled = structs.replace(position, rule=rule_digest(poll), source=source_digest(poll.source))
    return Job(
        POLLS,
        poll.name,
        write_position(ruled),
        key=poll.name,
        delay=int(seconds * 1_000_000),
        lane=poll.name,
    )


def new_poll_job(poll: Poll) -> Job:
    """The job of a poll that has none: it looks at once, unless only a schedule or a person has it look."""
    looks = poll.every and poll.state is WebhookState.ACTIVE
    return poll_job(poll, Position(""), 0.0 if looks else NEVER)


class Polling:
    """A `LaneWork`: the lanes of the queue `POLLS`, one for each poll."""

    queue = POLLS

    def __init__(  # noqa: PLR0913 - the meeting point of asking and accepting
        self,
        store: Store,
        known: Known,
        asking: Asking,
        accepting: Accepting,
        switchboard: Switchboard,
        membership: Membership,
        emitter: Emitter,
        clock: Clock,
        event_log: EventLog,
        counts: ChainCounts | None = None,
    ) -> None:
        self._counts = counts or ChainCounts()
        self._store, self._known, self._asking, self._accepting = store, known, asking, accepting
        self._switchboard, self._membership, self._emitter = switchboard, membership, emitter
        self._clock, self._event_log = clock, event_log

    def room(self, lane: str, at_work: int) -> Room:  # noqa: ARG002 - a lane has one job
        """A poll is one job."""
        return Room(1 - at_work)

    async def lease(self, lane: str, limit: int, most: int) -> Sequence[Leased]:
        """Lease a poll whose time has come."""
        return await self._store.lease(POLLS, self._membership.node_id, LEASE, limit, lane, most)

    async def next_due(self, lane: str) -> int | None:
        """When the poll looks next."""
        return await self._store.next_due(POLLS, lane)

    async def settle(self, ends: Sequence[JobEnd]) -> None:
        """Write how jobs ended that did not look."""
        await self._store.settle(ends)

    def put_off(self, item: Leased) -> JobEnd:
        """It looks a little later."""
        return JobEnd(item.lease, structs.replace(item.job, delay=int(PUT_OFF * 1_000_000)))

    async def do(self, item: Leased) -> JobEnd | None:
        """Look, unless it is not to."""
        poll = self._known.polls.get(item.job.id)
        if poll is None:
            return self.put_off(item)  # it is not live here yet, or its job is about to go with it
        position = read_position(item.job.payload, poll)
        if poll.state is not WebhookState.ACTIVE:
            return JobEnd(item.lease, poll_job(poll, position, NEVER))
        if (left := self._left(poll, position)) > 0:
            return JobEnd(item.lease, poll_job(poll, position, left))
        await self.take(item, poll, position)
        return None

    async def take(self, item: Leased, poll: Poll, position: Position) -> PollTurn:
        """One turn under the lease. Raises `StoreError`."""
        try:
            hook = self._compiled(poll)
            async with asyncio.timeout(LONGEST_TURN):
                look = await self._asking.look(poll, asked_of(poll, position, self._clock.now()))
            turned, turn = await self._commit(item, poll, position, hook, look.found)
        except TimeoutError:
            return await self._failed(item, poll, position, Terminal(TOO_LONG.format(seconds=LONGEST_TURN)))
        except StoreError:
            raise
        except HookstationError as failed:
            return await self._failed(item, poll, position, failed)
        except Exception:
            log.exception("looking for what the poll “%s” has broke", poll.name)
            return await self._failed(item, poll, position, Terminal(BROKEN))
        if not turned.held:
            return PollTurn(turn.at, error=NOT_HELD)
        await self._afterwards(poll, look)
        await self._tell(poll, turn)
        return turn

    def _compiled(self, poll: Poll) -> CompiledWebhook:
        line = self._switchboard.named(poll.name)
        if line is None:
            raise Terminal(
                "What is done with its items is not set up correctly; look at its action or workflow."
            )
        return self._switchboard.compiled(line)

    def _left(self, poll: Poll, position: Position) -> float:
        """Seconds until it may look: its source asked for a pause, or its definition is another one since."""
        now = self._clock.now() / 1e6
        asked_for = position.not_before / 1e6 - now
        if not position.rule or position.rule == rule_digest(poll):
            return asked_for
        return max(asked_for, position.asked_at / 1e6 + poll.every - now) if poll.every else NEVER

    async def _commit(
        self, item: Leased, poll: Poll, position: Position, hook: CompiledWebhook, found: Found
    ) -> tuple[Turned, PollTurn]:
        """The items and the new position, in one transaction."""
        now, window = self._clock.now(), poll.webhook.duplicates
        accepts = self._accepting.accept(hook, found.items, window.window if window else 0)
        position_then = structs.replace(moved(position, found.at, found.seen), asked_at=now)
        pause = 0.0 if found.more else (poll.every or NEVER)
        emissions = self._told("poll.recovered", poll, 0, "") if position.failures else []
        end = TurnEnd(
            again=poll_job(poll, position_then, pause),
            accepts=accepts,
            emissions=tuple(emissions),
            outcomes=(Outcome(POLLS, poll.name, True, now),),
        )
        turned = await self._store.turn(Turn(item.lease, lambda _: end))
        new = sum(1 for one in turned.accepted if one.conflict is None)
        turn = PollTurn(
            now, len(found.items), new, len(found.items) - new, found.more, began=not position.begun
        )
        return turned, turn

    async def _afterwards(self, poll: Poll, look: Look) -> None:
        if look.afterwards is None:
            return
        try:
            await look.afterwards()
        except HookstationError as failed:
            log.warning(
                "files that the poll “%s” has read stay where they are: %s", poll.name, failed.message
            )

    async def _failed(
        self, item: Leased, poll: Poll, position: Position, failed: HookstationError
    ) -> PollTurn:
        """The source could not be asked: it is asked again later and later, and never sooner than it says."""
        now, failures = self._clock.now(), position.failures + 1
        wanted = min(failed.seconds, NEVER) if isinstance(failed, Busy) else 0.0
        grown = poll.every * 2 ** min(failures - 1, 12)
        pause = max(min(grown, max(LONGEST_PAUSE, poll.every)), wanted)
        stands = structs.replace(
            position,
            failures=failures,
            asked_at=now,
            not_before=now + int(wanted * 1_000_000) if wanted else 0,
        )
        emissions = self._told("poll.failed", poll, failures, failed.message) if failures == 1 else []
        end = TurnEnd(
            again=poll_job(poll, stands, pause if poll.every else wanted or NEVER),
            emissions=tuple(emissions),
            outcomes=(Outcome(POLLS, poll.name, False, now, failed.message),),
        )
        turned = await self._store.turn(Turn(item.lease, lambda _: end))
        if not turned.held:
            return PollTurn(now, error=NOT_HELD)
        turn = PollTurn(now, error=failed.message)
        await self._tell(poll, turn)
        return turn

    def _told(self, type_: str, poll: Poll, failures: int, why: str) -> Sequence[Emission]:
        told: dict[str, JSON] = {"poll": {"name": poll.name}, "failures": failures, "why": why}
        return self._emitter.own(type_, told)

    async def _tell(self, poll: Poll, turn: PollTurn) -> None:
        self._counts.looked(turn.accepted, turn.error)
        self._event_log.write(
            "poll_asked",
            poll=poll.name,
            found=turn.found,
            accepted=turn.accepted,
            repeated=turn.repeated,
            more=turn.more,
            error=turn.error,
        )
        await self._store.keep([Kept(POLLS, poll.name, TURN, write_turn(turn).decode())])
