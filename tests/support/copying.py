"""A journal with everything odd in it, to be moved; and what two stores have to say alike afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import apsw
from msgspec.structs import replace

from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.copying import BEGINNING, TABLES, Row
from hookstation.core.events import State
from hookstation.core.jobs import EVENTS, Job
from hookstation.core.outgoing.values import DestinationState, Emission, Health
from hookstation.core.records import RECORDS
from hookstation.core.values import Number, Scalar
from hookstation.core.workflows.values import Hashes, Kept, Outcome
from hookstation.ports.copying import CopySource
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.ports.people import ApiKey
from hookstation.ports.runs import RunFilter
from hookstation.ports.store import (
    Acceptance,
    ConfigurationChange,
    EventFilter,
    Finish,
    Hold,
    Holder,
    Store,
    StoredWebhook,
)
from hookstation.testing.store_cases.chaining import (
    FLOW,
    approval,
    call,
    done,
    failed,
    finish,
    held,
    rest,
    run_id,
    signal,
    start,
)
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    DAY,
    NOW,
    PROFILE,
    QUEUE,
    VENUES,
    ends,
    entry,
    event_id,
    fails,
    insert,
    join,
    mark,
    rejects,
    sends,
    succeeds,
    upsert,
)
from hookstation.testing.store_cases.outgoing import (
    SHOP,
    attempt,
    dead,
    delivered,
    emission,
    event_out,
    later,
    send,
)

WEEK: Final = 7 * 86_400
"""Numbers of events from one week to the next: one a second."""

ODD: Final = "a\0b\x1ac\x1a0 “ü” \U0001f980 \\u0000"
HUGE: Final = bytes(range(256)) * 40_000
BIG: Final = 123_456_789_012_345_678_901_234_567_890
LARGEST: Final = 2**63 - 1


async def fill(path: Path, events: int = 30) -> None:
    """Make a database with odd things, and so many events besides, spread over some weeks."""
    store = await open_sqlite(path)
    try:
        await _records(store)
        await _open_ones(store)
        await _settings(store)
        await _outgoing(store)
        await _chain(store)
        await asyncio.gather(*(store.accept(_spread(number, events)) for number in range(events)))
    finally:
        await store.close()
    connection = apsw.Connection(str(path))
    try:
        _leave_gaps(connection)
        _fill_the_rest(connection)
    finally:
        connection.close()


def _spread(number: int, events: int) -> Acceptance:
    place = 100 + number * WEEK * 5 // events
    return Acceptance(
        entry(place), succeeds, insert(ACTIVITIES, ID=f"{number}", N=number), mark(place, f"s{number}")
    )


def _leave_gaps(connection: apsw.Connection) -> None:
    """Take the newest activity and an older one away: their numbers are never given again."""
    connection.execute(
        "DELETE FROM records WHERE id IN (SELECT max(id) FROM records WHERE entity = 1 UNION ALL "
        "SELECT min(id) + 5 FROM records WHERE entity = 1)"
    )
    connection.execute("UPDATE entities SET records = records - 2 WHERE number = 1")


def _fill_the_rest(connection: apsw.Connection) -> None:
    """Tables of which the journal knows nothing get two rows: texts with odd letters, and numbers."""
    for table in TABLES:
        if connection.execute(f"SELECT count(*) FROM {table.name}").fetchone() != (0,):
            continue
        kinds = [str(row[2]) for row in connection.execute(f"PRAGMA table_info({table.name})")]
        for number in (1, 2):
            told = f"“ü” {number}"
            values = [{"INTEGER": number, "BLOB": told.encode()}.get(kind, told) for kind in kinds]
            connection.execute(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(values))})", values)


async def _records(store: Store) -> None:
    """Succeeded, failed and rejected events; every kind of record, and numbers that are gone."""
    told: dict[str, Any] = {
        "webhook": ODD, "headers": {"x": ODD}, "query": ODD, "reason": ODD, "run_id": "run\0one", "body": HUGE,
        "connection": RECORDS, "entity": "Activity",
    }  # fmt: skip
    fields: dict[str, Scalar] = {
        "ID": ODD, ODD: ODD, "PRICE": Number("19.90"), "BIG": BIG, "YES": True, "NO": None,
    }  # fmt: skip
    odd = insert(ACTIVITIES, **fields)
    await store.accept(Acceptance(entry(1, **told), succeeds, odd, mark(1, ODD, ODD, expires_at=LARGEST)))
    expired = mark(2, "gone", expires_at=NOW - DAY)
    await store.accept(Acceptance(entry(2, body=b""), succeeds, insert(VENUES, NAME="hall"), expired))
    await store.accept(Acceptance(entry(3, body=None), fails, None, mark(3, "k3")))
    await store.accept(Acceptance(entry(4), rejects))
    for number in (5, 6):
        await store.accept(Acceptance(entry(number), succeeds, insert(COURSES, ID="10420", T=Number("1e5"))))
    await store.accept(Acceptance(entry(7), succeeds, insert(PROFILE, ID="it's | odd")))
    await store.accept(Acceptance(entry(8), succeeds, upsert(COURSES, {"ID": "7", "T": ODD}, GRADE="A")))
    await store.accept(Acceptance(entry(9), ends(State.FAILED, 500, b"", ODD)))
    again = Finish(
        event_id(9), frozenset({State.FAILED}), succeeds, NOW + DAY, effect=insert(VENUES, NAME="two")
    )
    await store.finish(again)


async def _open_ones(store: Store) -> None:
    """Events that are on their way, unknown and held, their jobs, and jobs of others."""
    await join(store, "n1")
    for number in (20, 21):
        job = Job(EVENTS, event_id(number), turn=b"turn %d" % number)
        await store.accept(
            Acceptance(entry(number), sends, None, mark(number, f"k{number}"), job, Holder("n1", 600))
        )
    unknown = ends(State.UNKNOWN, error="no answer came")
    later = Job(EVENTS, event_id(22), ODD, delay=3_600_000_000, tries=3)
    await store.accept(Acceptance(entry(22), unknown, None, mark(22, "k22"), later))
    for number in (23, 24, 25):
        job = Job(EVENTS, event_id(number), key="courses")
        held = ends(State.HELD, 202)
        await store.accept(Acceptance(entry(number), held, None, None, job, hold=Hold("courses", held(None))))
    await store.enqueue([Job(QUEUE, f"chore{number}", ODD, ODD) for number in range(3)])
    await store.enqueue([Job(QUEUE, f"laned{number}", ODD, lane=ODD) for number in range(2)])


async def _outgoing(store: Store) -> None:
    """Deliveries that wait, were tried, arrived and died, with their attempts, and how their destination stands."""
    await store.emit([emission(number, SHOP, "crm", key="k") for number in (30, 31)])
    await store.emit([Emission(event_out(32, ODD, source=ODD, key=ODD, payload=f'"{ODD[5:]}"'))])
    for end in (later, dead, delivered):
        [found] = await send(store, limit=1)
        odd = replace(end(found), attempt=replace(attempt(found, 500), error=ODD, headers=((ODD, ODD),)))
        assert [True] == list(await store.settle_deliveries([odd]))
    assert await store.save_destination_state(DestinationState(SHOP, Health.OPEN, 5, 2, 7, 9, ODD, 1))


async def _chain(store: Store) -> None:
    """Runs that rest and that ended, with every try, what came and what is waited for; what is kept; hashes of both."""
    odd = start(40, trigger=ODD, key=ODD, parent_path=ODD, facts=f'"{ODD[5:]}"', input="[1.50]", hops=2)
    first, second = await held(store, odd, start(41, parent=run_id(40), source=ODD))
    tries = failed(ODD, input=ODD, fault=ODD, detail=ODD), done(ODD, attempt=2, output=f'"{ODD[5:]}"')
    asks = replace(approval(40, ODD, ODD, title=ODD), digest=b"\0\xff")
    counted, pending = Hashes(ODD, {ODD: b"\0\xff", "b": b"1"}), Hashes(ODD, {"b": b"2", ODD: b""})
    outcomes = Outcome("polls", ODD, False, LARGEST, ODD), Outcome("schedules", "nightly", True, NOW)
    await rest(store, first, *tries, delay=3_600_000_000, waits=(asks, call(40, "call")), hashes=pending)
    await finish(store, second, hashes=counted, outcomes=outcomes, entries=(done("a"),))
    assert [True] == list(await store.signal([signal(40, ODD[:4], ODD, NOW, ODD)]))
    await store.keep([Kept("polls", ODD, ODD, ODD), Kept("polls", "lms", "cursor", "41")])


async def _settings(store: Store) -> None:
    change = ConfigurationChange(
        webhooks={"courses": StoredWebhook("courses", "sealed", '{"a": "\\u0000"}', 1, 2)},
        connections={"imis": '{"name": "imis"}'},
        panels={"ABC_Courses": "{}"},
        destinations={"shop": '{"a": "\\u0000"}'},
        subscriptions={"all": "{}"},
        specs={("imis", "Activity"): "[]"},
        things={("workflows", FLOW): '{"a": "\\u0000"}', ("workflows", "gone"): "{}", ("polls", "lms"): "{}"},
        matches={"ABC_Courses": frozenset({("GRADE", "it's odd"), ("ID",)})},
    )
    await store.save_configuration(change, await store.revision())
    changed = {("workflows", FLOW): "{}", ("workflows", "gone"): None}
    await store.save_configuration(
        ConfigurationChange(things=changed, by=ODD, note=ODD), await store.revision()
    )
    await store.add_key(ApiKey("tests", "administrator", "digest", 7))
    await store.set_fact("master_key_fingerprint", "0123456789abcdef")


async def everything(database: CopySource) -> dict[str, Sequence[Row]]:
    """All rows of all tables."""
    return {table.name: await database.rows(table, BEGINNING, 1_000_000, 1 << 40) for table in TABLES}


async def shown(store: Store) -> list[object]:
    """What a store tells its users."""
    events = (await store.list_events(EventFilter(), 1_000)).items
    return [
        events,
        [await store.get_payload(one.id) for one in events],
        [await store.list_attempts(one.id) for one in events],
        [await store.list_records(spec.name, 1_000) for spec in (ACTIVITIES, COURSES, PROFILE, VENUES)],
        [await store.count_records(spec.name) for spec in (ACTIVITIES, COURSES, PROFILE, VENUES)],
        await store.load_configuration(),
        await store.keys(),
        [
            await store.find_mark(*key)
            for key in ((ODD, ODD, NOW), ("courses", "gone", NOW), ("courses", "k22", NOW))
        ],
        await _sent(store),
        await _chained(store),
        [await store.list_jobs(queue, "", 100) for queue in (EVENTS, QUEUE)],
        await store.count_waiting(EVENTS),
    ]


async def _sent(store: Store) -> list[object]:
    """What a store tells of what goes out, without the times by its own clock."""
    deliveries = (await store.list_deliveries(DeliveryFilter(), 1_000)).items
    return [
        [replace(one, due_at=0) for one in deliveries],
        [await store.list_delivery_attempts(one.id) for one in deliveries],
        await store.list_events_out(1_000),
        await store.delivery_figures(0, NOW * 2),
        await store.destination_states(),
        await store.count_waiting_deliveries(),
    ]


async def _chained(store: Store) -> list[object]:
    """What a store tells of runs, of what they wait for, and of what things keep."""
    ids = [run_id(40), run_id(41)]
    return [
        (await store.list_runs(RunFilter(), 100)).items,
        [await store.get_run(one) for one in ids],
        [await store.list_entries(one, 100, every=True) for one in ids],
        [await store.list_signals(one) for one in ids],
        [await store.list_waits(), await store.find_wait(b"\0\xff")],
        [await store.get_kept("polls", name) for name in (ODD, "lms")],
        [await store.standings(kind) for kind in ("polls", "schedules")],
        await store.known_hashes(ODD, [ODD, "b"]),
        [await store.list_workflow_versions(FLOW, 9), await store.workflow_version(FLOW, 1)],
        await store.figures_of_runs(0),
    ]
