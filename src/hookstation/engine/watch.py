"""Watching: one node at a time looks, each minute, whether anything is not as usual.

It leases the only job of the queue `WATCH`; where it dies, another node goes on.  It reads roll-ups, and a few payloads
of webhooks that were called; nothing of it is on the lane.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from hookstation.core.definitions import WebhookState
from hookstation.core.detect import calls
from hookstation.core.detect.findings import Finding, Signal, follow
from hookstation.core.detect.learning import Learned, learn_addresses, learn_shape, read_learned
from hookstation.core.detect.usual import MOST_WEEKS
from hookstation.core.events import State
from hookstation.core.jobs import EVENTS, Job, JobEnd, Leased
from hookstation.core.jsontext import parse_json
from hookstation.core.tallies import DAY, FROM, HOUR, MINUTE, STATION, WEEK, Span, Tally, figures, total
from hookstation.core.values import JSON
from hookstation.engine.listing import Listing
from hookstation.engine.recount import Recount
from hookstation.errors import BodyRefused
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog
from hookstation.ports.store import EventFilter, Store

WATCH: Final = "watch"
"""The queue of the job under which one node watches, and the job's id."""

WATCH_EVERY: Final = 60
"""Seconds between two looks."""

WATCH_LEASE: Final = 300.0
"""Seconds that a look may take."""

WATCH_LOOK: Final = 10.0
"""Seconds until a node that no hint reaches sees that the job was left over: once a minute needs no sharper eye."""

AT_ONCE: Final = 200
"""Webhooks whose roll-ups are read together."""

SAMPLED: Final = 50
"""Webhooks whose payloads are looked at in one round; the others have their turn in the next."""

SAMPLES: Final = 5
LARGEST_SAMPLE: Final = 256 * 1024
"""Payloads of a webhook that are looked at in one round, and bytes beyond which one is not."""

LATELY: Final = 15 * MINUTE
MOST_OPEN: Final = 1_000
MOST_UNKNOWN: Final = 200
"""Findings that are open, and events with an unknown outcome, that are looked at in one round."""

CLOSED_KEPT: Final = 90 * DAY
PRUNED: Final = 200

log = logging.getLogger(__name__)

Counts = Mapping[str, int]


@dataclass(slots=True)
class _Known:
    """What roll-ups of hours say of a webhook, read once an hour."""

    week: Counts = field(default_factory=dict)
    weeks: Sequence[int] = ()
    now_weeks: Sequence[int] = ()


class Watcher:
    """Does the job of the queue `WATCH`, over and over."""

    def __init__(
        self,
        store: Store,
        listing: Listing,
        recount: Recount,
        clock: Clock,
        identifiers: Identifiers,
        event_log: EventLog,
    ) -> None:
        self._store, self._listing, self._recount = store, listing, recount
        self._clock, self._identifiers, self._event_log = clock, identifiers, event_log
        self._hour = 0
        self._known: dict[str, _Known] = {}
        self._sampled = ""
        self._began = False

    async def begin(self) -> None:
        """See that there is the job; whichever node was first wrote it."""
        await self._store.enqueue([Job(WATCH, WATCH)])

    async def do(self, leased: Leased) -> JobEnd | None:
        """One look, and the next one in a minute."""
        await self.look()
        return JobEnd(leased.lease, structs.replace(leased.job, delay=WATCH_EVERY * 1_000_000, tries=0))

    async def look(self) -> None:
        """Count again what was lost, see what is so now, and tell what began and what is over."""
        await self._recount.among_others()
        if not self._began:
            await self._recount.unfinished()
            self._began = True
        now = self._clock.now()
        signals = await self._signals(now)
        standing = await self._store.list_findings(MOST_OPEN, is_open=True)
        followed = follow(standing, signals, now, self._identifiers.event_id)
        changed = [*followed.opened, *followed.kept, *followed.closed]
        if changed:
            await self._store.save_findings(changed)
        self._tell("finding_opened", followed.opened)
        self._tell("finding_closed", followed.closed)
        await self._store.prune_findings(now - CLOSED_KEPT, PRUNED)

    def _tell(self, happened: str, findings: Iterable[Finding]) -> None:
        for one in findings:
            signal = one.signal
            self._event_log.write(
                happened,
                finding=one.id,
                kind=signal.kind.value,
                webhook=signal.webhook,
                connection=signal.connection,
                sentence=signal.sentence,
            )

    async def _signals(self, now: int) -> list[Signal]:
        webhooks = await self._listing.webhooks()
        targets = {one.name: one.connection for one in webhooks}
        names = [one.name for one in webhooks if one.state == WebhookState.ACTIVE]
        if self._hour != calls.hour_of(now):
            await self._learn_hours(names, now)
            self._hour = calls.hour_of(now)
        found: list[Signal] = []
        busy: list[str] = []
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            minutes = _by_webhook(await self._store.list_tallies(Span.MINUTE, now - HOUR, now + HOUR, part))
            this = calls.hour_of(now)
            hours = _by_webhook(await self._store.list_tallies(Span.HOUR, this - HOUR, this + HOUR, part))
            for name in part:
                told = minutes.get(name, [])
                found += calls.look(self._past(name, targets[name], told, hours.get(name, []), now))
                if told:
                    busy.append(name)
                    found += await self._addresses(name, told, now)
        found += await self._shapes(busy)
        return found + await self._waiting(targets)

    def _past(
        self, name: str, connection: str, minutes: Sequence[Tally], hours: Sequence[Tally], now: int
    ) -> calls.Past:
        known, this = self._known.get(name, _Known()), calls.hour_of(now)
        of = {one.at: figures(one.counts).calls for one in hours}
        return calls.Past(
            name,
            connection,
            lately=total(one.counts for one in minutes if one.at > now - LATELY),
            hour=total(one.counts for one in minutes),
            week=known.week,
            before_at=this - HOUR,
            before=of.get(this - HOUR, 0),
            weeks=known.weeks,
            now_calls=of.get(this, 0),
            now_weeks=known.now_weeks,
        )

    async def _learn_hours(self, names: Sequence[str], now: int) -> None:
        """What hours say, once an hour: the last week, and this hour and the one before in the weeks before."""
        this = calls.hour_of(now)
        past = [(this - HOUR - weeks * WEEK, this - weeks * WEEK) for weeks in range(1, MOST_WEEKS + 1)]
        station = await self._store.list_tallies(Span.HOUR, past[-1][0], this, [STATION])
        first = station[0].at if station else this
        created = {one.name: one.created for one in await self._listing.webhooks()}
        self._known = {}
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            week = _by_webhook(
                await self._store.list_tallies(Span.HOUR, this - HOUR - WEEK, this - HOUR, part)
            )
            then: dict[tuple[str, int], int] = {}
            for before, at in past:
                for one in await self._store.list_tallies(Span.HOUR, before, at + HOUR, part):
                    then[one.webhook, one.at] = figures(one.counts).calls
            for name in part:
                since = max(first, created.get(name, 0))
                self._known[name] = _Known(
                    total(one.counts for one in week.get(name, [])),
                    [then.get((name, before), 0) for before, _ in past if before >= since],
                    [then.get((name, at), 0) for _, at in past if at >= since],
                )

    async def _addresses(self, name: str, minutes: Sequence[Tally], now: int) -> list[Signal]:
        """Who called since the last look; the minute that runs still waits for the next one."""
        text = await self._store.get_learned(name)
        known, until = read_learned(text), now - now % MINUTE - MINUTE
        fresh = total(one.counts for one in minutes if known.minute <= one.at < until)
        seen = {key.removeprefix(FROM): count for key, count in fresh.items() if key.startswith(FROM)}
        if not seen:
            return []
        learned, signals = learn_addresses(known, seen, name)
        await self._store.save_learned(name, structs.replace(learned, minute=until).write())
        return signals

    async def _shapes(self, busy: Sequence[str]) -> list[Signal]:
        """Look at payloads of some webhooks that were called, going round."""
        later = [name for name in busy if name > self._sampled]
        chosen = [*later, *(name for name in busy if name <= self._sampled)][:SAMPLED]
        found: list[Signal] = []
        for name in chosen:
            known = read_learned(await self._store.get_learned(name))
            payloads, after = await self._payloads(name, known)
            if after != known.after:
                learned, signals = learn_shape(known, payloads, name)
                await self._store.save_learned(name, structs.replace(learned, after=after).write())
                found += signals
        if chosen:
            self._sampled = chosen[-1]
        return found

    async def _payloads(self, name: str, known: Learned) -> tuple[list[JSON], str]:
        """The newest payloads that were not looked at yet, oldest first, and the id of the last one."""
        ended = frozenset({State.SUCCEEDED, State.FAILED})
        events = (await self._store.list_events(EventFilter(name, ended), SAMPLES)).items
        fresh = [one for one in events if one.id > known.after and one.size <= LARGEST_SAMPLE][::-1]
        found: list[JSON] = []
        for one in fresh:
            payload = await self._store.get_payload(one.id)
            if payload is not None:
                found += _read(payload.body)
        return found, events[0].id if events else known.after

    async def _waiting(self, targets: Mapping[str, str]) -> list[Signal]:
        """What stands still: events that are held, and those whose outcome is not known."""
        held = await self._store.count_waiting(EVENTS)
        found = [calls.held(name, targets.get(name, ""), count) for name, count in sorted(held.items())]
        which = EventFilter(states=frozenset({State.UNKNOWN}))
        page = await self._store.list_events(which, MOST_UNKNOWN)
        unknown: dict[str, list[str]] = {}
        for one in page.items[::-1]:
            unknown.setdefault(one.webhook, []).append(one.id)
        return found + [
            calls.unknown(name, ids, more=bool(page.next)) for name, ids in sorted(unknown.items())
        ]


def _read(body: bytes) -> list[JSON]:
    try:
        return [parse_json(body).value]
    except BodyRefused:
        return []


def _by_webhook(tallies: Iterable[Tally]) -> dict[str, list[Tally]]:
    found: dict[str, list[Tally]] = {}
    for one in tallies:
        found.setdefault(one.webhook, []).append(one)
    return found
