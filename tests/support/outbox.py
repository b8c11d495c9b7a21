"""What was to be told to destinations, what they received, and what the station kept of it, held against each other."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import apsw
import asyncpg

from tests.support.keyed import key_webhook
from tests.support.receiver import OK, Answer, Call
from tests.support.station_process import PAUSE, StationProcess

TYPE: Final = "order.paid"
FREE: Final = ("crm", "lms", "mail")
ORDERED: Final = ("ledger", "archive")
DESTINATIONS: Final = (*FREE, *ORDERED)

FAILURES: Final = 0.01
"""The share of calls that destinations answer 500."""

FAILED: Final = Answer(500)
DELIVERED: Final = 600.0
"""Seconds in which everything has to be delivered, however much it is."""

LEASED: Final = "SELECT id FROM jobs WHERE queue = 'deliveries' AND node <> ''"
DELIVERIES: Final = (
    "SELECT d.id, d.destination, d.state, e.payload FROM deliveries d JOIN events_out e ON e.id = d.event_id"
)
ATTEMPTS: Final = "SELECT delivery_id, count(*) FROM delivery_attempts GROUP BY delivery_id"

Rows = Sequence[Sequence[object]]


class Database(Protocol):
    """What stands in the database, whether a station runs on it or not."""

    async def ask(self, question: str) -> Rows:
        """The rows of a question."""
        ...


@dataclass(frozen=True, slots=True)
class OnFile:
    """A station's SQLite file. It is read as a dead station has left it, and left so."""

    file: Path

    async def ask(self, question: str) -> Rows:
        """The rows of a question."""
        connection = apsw.Connection(str(self.file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return list(connection.execute(question))
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class OnPostgres:
    """A database of a server."""

    url: str

    async def ask(self, question: str) -> Rows:
        """The rows of a question."""
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(question)]
        finally:
            await connection.close()


@dataclass(slots=True)
class Inbox:
    """What all destinations received, in its order: destination, delivery id, key of the event, and whether taken."""

    received: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def answer(self, call: Call) -> Answer:
        """Write a call down; now and then it is refused."""
        taken = random.random() >= FAILURES
        key = json.loads(call.body)["key"]
        self.received.append((call.path.strip("/"), call.header("webhook-id"), key, taken))
        return OK if taken else FAILED


def document(
    url: str, state: str = "active", others: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
    """A webhook ``keys``, and destinations that are told of its calls and of events of `TYPE`.

    All of `DESTINATIONS` are at the receiver at `url`; `others` are told too.
    """
    told = [*(destination(name, f"{url}/{name}", state=state) for name in DESTINATIONS), *others]
    return {
        "version": 1,
        "webhooks": [key_webhook("records")],
        "destinations": told,
        "subscriptions": [
            {
                "name": one["name"],
                "destination": one["name"],
                "events": [TYPE, "inbound.keys"],
                "body": {"type": "json"},
            }
            for one in told
        ],
    }


def destination(name: str, url: str, **more: object) -> dict[str, object]:
    """A destination that is tried again soon, and that never gets a rest."""
    order = {"order": "$$memberId$$"} if name in ORDERED else {}
    secret = {"type": "standard-webhooks", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
    return {
        "name": name,
        "url": url,
        "networks": ["127.0.0.0/8"],
        "signing": secret,
        "retry": {"schedule": ["1s"] * 20},
        "breaker": {"share": "100%", "calls": 1000},
        **order,
        **more,
    }


async def in_flight(database: Database, node_id: str = "") -> set[str]:
    """Ids of the deliveries that a node has leased, or any."""
    whose = f" AND node = '{node_id}'" if node_id else ""
    return {str(row[0]) for row in await database.ask(LEASED + whose)}


async def all_delivered(station: StationProcess, *names: str) -> None:
    """Wait until no delivery waits, for these destinations or for any."""
    async with asyncio.timeout(DELIVERED):
        while True:
            if not [one for name in names or ("",) for one in await _waiting(station, name)]:
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - the station tells nobody


async def _waiting(station: StationProcess, name: str) -> list[object]:
    asked = {"status": "waiting", "limit": "1", "destination": name}
    _, page = await station.api("GET", "/deliveries", query=asked)
    return list(page["items"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. All lists but `again` have to be empty.

    `missing`: key and destination without a delivery, or with two; `undelivered`: deliveries that the station does not
    say to be delivered; `lost`: those of which no call was taken; `unexplained`: deliveries of which more calls came
    than the station knows of and kills had in flight; `disordered`: what came after something later of its line.
    `again`: calls beyond those that the station knows of.
    """

    deliveries: int
    missing: list[tuple[str, str]]
    undelivered: list[str]
    lost: list[str]
    unexplained: list[str]
    disordered: list[tuple[str, str]]
    again: int

    @property
    def wrong(self) -> tuple[int, ...]:
        """How many there are of everything that must not be."""
        found = (self.undelivered, self.lost, self.unexplained)
        return len(self.missing), *(len(one) for one in found), len(self.disordered)


async def judge(
    keys: Iterable[str], inbox: Inbox, database: Database, kills: Sequence[Collection[str]]
) -> Verdict:
    """Compare what `DESTINATIONS` should have with what they have.

    `keys`: of every event that was acknowledged; `kills`: what each kill had in flight.
    """
    rows = [tuple(map(str, row)) for row in await database.ask(DELIVERIES)]
    rows = [row for row in rows if row[1] in DESTINATIONS]
    kept = {str(name): int(str(count)) for name, count in await database.ask(ATTEMPTS)}
    stands = Counter((json.loads(payload)["key"], name) for _, name, _, payload in rows)
    wanted = {(key, name) for key in keys for name in DESTINATIONS}
    came, taken = Counter(one[1] for one in inbox.received), {one[1] for one in inbox.received if one[3]}
    killed = Counter(one for had in kills for one in had)
    again = {one: count - kept.get(one, 0) for one, count in came.items() if count != kept.get(one, 0)}
    return Verdict(
        len(rows),
        [one for one in wanted | stands.keys() if stands[one] != (one in wanted)],
        [name for name, _, state, _ in rows if state != "delivered"],
        [name for name, *_ in rows if name not in taken],
        [one for one, count in again.items() if not 0 < count <= killed[one]],
        list(_disordered(inbox.received)),
        sum(again.values()),
    )


def _disordered(received: Iterable[tuple[str, str, str, bool]]) -> Iterable[tuple[str, str]]:
    """Destination and key of what came after something later of its line, where the destination has an order."""
    reached: defaultdict[tuple[str, str], int] = defaultdict(int)
    for name, _, key, _ in received:
        line, _, place = key.partition(".")
        if name in ORDERED:
            if int(place) < reached[name, line]:
                yield name, key
            reached[name, line] = int(place)
