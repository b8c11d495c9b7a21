"""What people ask of polling webhooks: have one look now, see what would come, ask for a range again, begin anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hookstation.core.definitions import Webhook, WebhookState
from hookstation.core.jobs import POLLS, JobState
from hookstation.core.polling.definitions import (
    ActivitiesSource,
    FeedSource,
    FilesSource,
    First,
    HttpSource,
    MailboxSource,
    Poll,
    QuerySource,
    SqlSource,
    begins_with_date,
)
from hookstation.core.polling.position import Position, read_position
from hookstation.core.polling.turns import Asked, Found, Item
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Standing
from hookstation.engine.polls.accepting import Accepting
from hookstation.engine.polls.asking import Asking, asked_of
from hookstation.engine.polls.polling import (
    NEVER,
    TURN,
    Known,
    Polling,
    PollTurn,
    new_poll_job,
    poll_job,
    read_turn,
)
from hookstation.engine.switchboard import CompiledWebhook, Switchboard
from hookstation.errors import Conflict, Invalid, NotFound, Problem, Terminal
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

MOST_TRIED: Final = 50
"""Items that a try shows."""

MOST_REPAIRED: Final = 1_000
"""Items that a repair takes at once."""

NO_DATES: Final = "must be now or everything: this source does not say when its items came."
LONGEST_WAIT: Final = 90.0
LOOK: Final = 0.1


@dataclass(frozen=True, slots=True)
class PollStanding:
    """A poll as lists show it. `due_at`: microseconds, 0 where only a schedule or a person has it look."""

    poll: Poll
    position: Position
    standing: Standing
    last: PollTurn | None
    due_at: int
    at_work: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """What would come. `new`: no event has its key; `error`: why it would fail; `record`: what would be written."""

    item: Item
    new: bool
    error: str
    record: JSON


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: items that it found, and events that are new."""

    found: int
    accepted: int


class Polls:
    """What people ask of polls."""

    def __init__(  # noqa: PLR0913 - the meeting point of looking, accepting and what is kept
        self,
        store: Store,
        known: Known,
        asking: Asking,
        accepting: Accepting,
        polling: Polling,
        switchboard: Switchboard,
        clock: Clock,
        event_log: EventLog,
        compile_: Callable[[Webhook], CompiledWebhook],
    ) -> None:
        """`compile_` makes ready what is done with the items of a poll that is not saved; it raises `Invalid`."""
        self._compile = compile_
        self._store, self._known, self._asking, self._accepting = store, known, asking, accepting
        self._polling, self._switchboard = polling, switchboard
        self._clock, self._event_log = clock, event_log

    def named(self, name: str) -> Poll:
        """One poll. Raises `NotFound`."""
        found = self._known.polls.get(name)
        if found is None:
            raise NotFound("poll", name)
        return found

    async def all(self) -> list[PollStanding]:
        """Every poll, by name."""
        return await self.these(self._known.polls)

    async def these(self, names: Iterable[str]) -> list[PollStanding]:
        """Those with these names that there are, by name."""
        standings = await self._store.standings(POLLS)
        known = self._known.polls
        return [
            await self._show(known[name], standings.get(name, Standing(POLLS, name)))
            for name in sorted(names)
            if name in known
        ]

    async def one(self, name: str) -> PollStanding:
        """How one stands. Raises `NotFound`."""
        standings = await self._store.standings(POLLS)
        return await self._show(self.named(name), standings.get(name, Standing(POLLS, name)))

    async def run(self, name: str, who: str) -> PollTurn:
        """Have it look now, and wait for what came. Raises `NotFound`, `Conflict` where it is not active."""
        poll = self._active(name)
        before = (await self._last(name)) or PollTurn(0)
        if await self._store.find_job(POLLS, name) is None:
            await self._store.enqueue([new_poll_job(poll)])
        self._event_log.write("poll_run", poll=name, who=who)
        end = self._clock.monotonic() + LONGEST_WAIT
        while self._clock.monotonic() < end:
            await self._store.hurry(POLLS, name)
            for leased in await self._polling.lease(name, 1, 0):
                return await self._polling.take(leased, poll, read_position(leased.job.payload, poll))
            turn = await self._last(name)
            if turn is not None and turn.at > before.at:
                return turn
            await self._clock.sleep(LOOK)
        raise Conflict(f"The poll “{name}” is being asked, and its source takes long. Look at it in a while.")

    async def try_it(self, poll: str | Poll) -> list[Tried]:
        """What would come if it looked now; nothing is written, and nothing moves.

        `poll`: the name of a saved one, or one that need not be saved: then it begins where its `first` says, and with
        `now` it shows what is there.  Raises `NotFound`, `Invalid` with what its action, mapping or schema lacks,
        `Conflict` where the source takes too long, `ActionFailed`.
        """
        one = self.named(poll) if isinstance(poll, str) else poll
        made = self._compiled(one) if isinstance(poll, str) else self._compile(one.webhook)
        position = Position("")
        found = await self._store.find_job(POLLS, one.name)
        if found is not None and isinstance(poll, str):
            position = read_position(found.job.payload, one)
        asked = asked_of(one, position, self._clock.now(), MOST_TRIED)
        asked.baseline = False
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                look = await self._asking.look(one, asked)
        except TimeoutError:
            raise Conflict(f"The source took longer than {LONGEST_WAIT:g} s. Ask for less of it.") from None
        return [await self._tried(made, item) for item in look.found.items]

    async def repair(self, name: str, since: str, until: str, who: str) -> Repaired:
        """Ask for a range again; what came before is known by its keys. What is remembered stays as it is.

        `since` and `until` are values of the source's cursor (a number, a moment), empty for an open side.  Raises
        `NotFound`, `Invalid` where its source has no range, `ActionFailed`.
        """
        poll = self._active(name)
        hook = self._compiled(poll)
        asked, window = range_of(poll, since, until), poll.webhook.duplicates
        found = accepted = 0
        while True:
            look = await self._asking.look(poll, asked)
            accepts = self._accepting.accept(hook, look.found.items, window.window if window else 0)
            done = await asyncio.gather(*(self._store.accept(one) for one in accepts))
            found += len(look.found.items)
            accepted += sum(1 for one in done if one.conflict is None)
            if not look.found.more:
                break
            asked = _behind(asked, look.found)
        self._event_log.write("poll_repaired", poll=name, who=who, found=found, accepted=accepted)
        return Repaired(found, accepted)

    async def reset(self, name: str, first: str, who: str) -> Position:
        """Begin anew: `now`, `everything`, or a date. Raises `NotFound`, `Invalid`, `Conflict` while it is asked."""
        poll = self.named(name)
        if first not in (First.NOW.value, First.EVERYTHING.value):
            try:
                datetime.fromisoformat(first)
            except ValueError:
                told = "must be now, everything, or a date such as 2026-01-01."
                raise Invalid([Problem(("first",), told)]) from None
            if not begins_with_date(poll.source):
                raise Invalid([Problem(("first",), NO_DATES)])
        found = await self._store.find_job(POLLS, name)
        if found is not None and found.state is JobState.LEASED:
            raise Conflict(f"The poll “{name}” is being asked just now; begin anew in a moment.")
        position = Position("", first=first)
        await self._store.cancel(POLLS, name)
        pause = 0.0 if poll.every and poll.state is WebhookState.ACTIVE else NEVER
        await self._store.enqueue([poll_job(poll, position, pause)])
        self._event_log.write("poll_reset", poll=name, who=who, first=first)
        return position

    def _active(self, name: str) -> Poll:
        poll = self.named(name)
        if poll.state is not WebhookState.ACTIVE:
            raise Conflict(f"The poll “{name}” is {poll.state.value}: set its state to active first.")
        return poll

    def _compiled(self, poll: Poll) -> CompiledWebhook:
        line = self._switchboard.named(poll.name)
        if line is None:
            raise NotFound("poll", poll.name)
        return self._switchboard.compiled(line)

    async def _tried(self, hook: CompiledWebhook, item: Item) -> Tried:
        now = self._clock.now()
        known = await self._store.find_mark(hook.name, item.key, now)
        error, record = self._accepting.verdict(hook, item)
        return Tried(item, known is None, error, record)

    async def _last(self, name: str) -> PollTurn | None:
        kept = await self._store.get_kept(POLLS, name)
        return read_turn(kept[TURN]) if kept.get(TURN) else None

    async def _show(self, poll: Poll, standing: Standing) -> PollStanding:
        found = await self._store.find_job(POLLS, poll.name)
        position = read_position(found.job.payload, poll) if found else Position("")
        waits = found is not None and poll.every and poll.state is WebhookState.ACTIVE
        return PollStanding(
            poll,
            position,
            standing,
            await self._last(poll.name),
            found.due_at if found is not None and waits else 0,
            found is not None and found.state is JobState.LEASED,
        )


def range_of(poll: Poll, since: str, until: str) -> Asked:
    """What a repair asks for. Raises `Invalid` where the source cannot be asked for a range."""
    source, begin, end = poll.source, _value(since), _value(until)
    match source:
        case SqlSource() | QuerySource() | HttpSource():
            if not begins_with_date(source):
                _refuse_range(since, until)
                return Asked({}, (), MOST_REPAIRED)
            at: dict[str, JSON] = {} if begin is None else {"value": begin}
            return Asked(at, (), MOST_REPAIRED, until=end)
        case ActivitiesSource():
            if since.isdecimal():
                return Asked({"value": max(int(since) - 1, 0)}, (), MOST_REPAIRED, until=end)
            return Asked({}, (), MOST_REPAIRED, until=end, since=_date(since))
        case FilesSource() | FeedSource() | MailboxSource():
            if until:
                raise Invalid([Problem(("until",), "is not for this source; it is asked from a date on.")])
            return Asked({}, (), MOST_REPAIRED, since=_date(since))
    raise Terminal("This source cannot be asked for a range.")


def _behind(asked: Asked, found: Found) -> Asked:
    """What is asked next, behind what was found."""
    return Asked(found.at, found.seen, asked.most, until=asked.until, since=asked.since)


def _refuse_range(since: str, until: str) -> None:
    if since or until:
        told = "This source has no cursor by a field, so it has no range: repair it without one, which asks for all."
        raise Invalid([Problem(("since",), told)])


def _date(written: str) -> str:
    """A date as it was written, empty where none was."""
    try:
        if written:
            datetime.fromisoformat(written)
    except ValueError:
        told = "must be a date or moment, such as 2026-01-01 or 2026-01-01T09:00:00Z."
        raise Invalid([Problem(("since",), told)]) from None
    return written


def _value(written: str) -> JSON:
    return int(written) if written.lstrip("-").isdecimal() else written or None
