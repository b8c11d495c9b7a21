"""Configuration, keys, facts, and the store's own life."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from hookstation.errors import Conflict, StoreUnavailable
from hookstation.ports.people import ApiKey
from hookstation.ports.store import Acceptance, ConfigurationChange, Store, StoredConfiguration, StoredWebhook
from hookstation.testing.store_cases.making import NOW, entry, journal, succeeds

HOOK = StoredWebhook("courses", "sealed", '{"title": "Courses"}', NOW, NOW)


class SettingsCases:
    """What configuration, keys and facts owe."""

    async def test_nothing_configured(self, store: Store) -> None:
        """A new store has an empty configuration of revision 0."""
        assert StoredConfiguration(0) == await store.load_configuration()
        assert 0 == await store.revision()

    async def test_configuration_comes_back(self, store: Store) -> None:
        """What is saved is loaded again, each kind by name, and the revision grows by one."""
        change = ConfigurationChange(
            {"courses": HOOK}, {"imis": "{}"}, {"ABC_Courses": '{"a": 1}'}, specs={("imis", "Activity"): "[]"},
            matches={"ABC_Courses": frozenset({("ID",)})},
        )  # fmt: skip

        assert 1 == await store.save_configuration(change, 0)

        expected = StoredConfiguration(
            1,
            {"courses": HOOK},
            {"imis": "{}"},
            {"ABC_Courses": '{"a": 1}'},
            specs={("imis", "Activity"): "[]"},
        )
        assert expected == await store.load_configuration()
        assert 1 == await store.revision()

    async def test_change_touches_only_what_it_names(self, store: Store) -> None:
        """A change replaces what it names, removes what it names as nothing, and leaves the rest."""
        await store.save_configuration(
            ConfigurationChange({"courses": HOOK}, {"imis": "{}", "shop": "{}"}, specs={("imis", "A"): "[]"}),
            0,
        )

        await store.save_configuration(
            ConfigurationChange({"courses": None}, {"imis": '{"b": 2}'}, specs={("imis", "A"): None}), 1
        )

        assert (
            StoredConfiguration(2, {}, {"imis": '{"b": 2}', "shop": "{}"}) == await store.load_configuration()
        )

    async def test_change_of_an_old_revision(self, store: Store) -> None:
        """A change that was made on an older revision is a `Conflict` and writes nothing."""
        await store.save_configuration(ConfigurationChange(connections={"imis": "{}"}), 0)

        [refused] = await asyncio.gather(
            store.save_configuration(ConfigurationChange(connections={"imis": None}), 0),
            return_exceptions=True,
        )

        assert isinstance(refused, Conflict)
        assert StoredConfiguration(1, {}, {"imis": "{}"}) == await store.load_configuration()

    async def test_keys(self, store: Store) -> None:
        """Keys are kept by name, and a name is taken once."""
        first, second = ApiKey("b", "administrator", "d1", NOW), ApiKey("a", "administrator", "d2", NOW)
        await store.add_key(first)
        await store.add_key(second)

        [refused] = await asyncio.gather(store.add_key(ApiKey("b", "x", "d3", NOW)), return_exceptions=True)

        assert isinstance(refused, Conflict)
        assert [second, first] == list(await store.keys())

    async def test_a_removed_key(self, store: Store) -> None:
        """A key is forgotten once, and its name is free again."""
        first, second = ApiKey("a", "administrator", "d1", NOW), ApiKey("a", "administrator", "d2", NOW)
        await store.add_key(first)

        assert [True, False] == [await store.remove_key("a"), await store.remove_key("a")]
        assert [] == list(await store.keys())
        await store.add_key(second)
        assert [second] == list(await store.keys())

    async def test_facts(self, store: Store) -> None:
        """A fact is empty until it is set, and can be set again."""
        assert "" == await store.get_fact("fingerprint")

        await store.set_fact("fingerprint", "one")
        await store.set_fact("fingerprint", "two")

        assert "two" == await store.get_fact("fingerprint")

    async def test_a_claimed_fact(self, store: Store) -> None:
        """Of many who claim a fact at once one decides it, and all are told the same; a fact that stands is kept."""
        told = await asyncio.gather(*(store.claim_fact("fingerprint", f"{number}") for number in range(8)))

        assert {await store.get_fact("fingerprint")} == set(told)
        assert told[0] == await store.claim_fact("fingerprint", "late")

    async def test_jobs_between_events(self, store: Store) -> None:
        """Facts, keys and configuration are written while events are accepted, and none is lost."""
        await asyncio.gather(
            *(journal(store, number) for number in range(50)),
            *(store.set_fact(f"f{number}", "x") for number in range(5)),
            store.save_configuration(ConfigurationChange(connections={"imis": "{}"}), 0),
        )

        assert ["x"] * 5 == [await store.get_fact(f"f{number}") for number in range(5)]
        assert 1 == await store.revision()

    async def test_can_commit(self, store: Store) -> None:
        """A store that is open can commit."""
        assert await store.can_commit()

    async def test_closed(self, store: Store) -> None:
        """What is asked of a closed store is refused as unavailable; closing twice is no harm."""
        await store.close()
        await store.close()

        refused = await asyncio.gather(
            store.accept(Acceptance(entry(1), succeeds)), store.set_fact("a", "b"), return_exceptions=True
        )

        assert [StoreUnavailable, StoreUnavailable] == [type(one) for one in refused]
        assert not await store.can_commit()
