"""A read replica serves the lists of events, and the primary where the replica does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.ports.store import EventFilter
from hookstation.testing.store_cases.making import event_id, journal
from hookstation.wiring import doctor_postgres
from tests.support.cluster import new_master_key
from tests.support.postgres import execute
from tests.support.standby import running_pair
from tests.wiring.test_opening import settings

EVERYTHING = EventFilter()


def asked(standby: str, url: str) -> Mapping[str, str]:
    return {
        "HOOKSTATION_MASTER_KEY": new_master_key(),
        "HOOKSTATION_DATABASE_URL": url,
        "HOOKSTATION_DATABASE_REPLICA_URL": standby,
    }


async def test_lists_come_from_the_replica_while_it_answers(tmp_path: Path) -> None:
    """The standby is read, though it shows less than the primary; without it the list is whole again."""
    async with running_pair() as pair:
        url, standby = pair.primary.url("postgres"), pair.standby.url("postgres")
        first = await open_postgres(url)
        await journal(first, 1)
        await first.close()
        store = await open_postgres(Access(url, replica_url=standby))
        await execute(standby, "SELECT pg_wal_replay_pause()")
        await journal(store, 2)
        shown = [one.id for one in (await store.list_events(EVERYTHING, 10)).items]
        assert await store.get_event(event_id(2)) is not None
        assert event_id(2) not in shown
        found, _ = await doctor_postgres.examine(settings(tmp_path, asked(standby, url)))
        assert (True, True) == next(
            (well, "s behind" in told) for what, well, told in found if what == "replica"
        )
        pair.standby.kill()
        whole = [one.id for one in (await store.list_events(EVERYTHING, 10)).items]
        assert [event_id(2), event_id(1)] == whole
        await store.close()
