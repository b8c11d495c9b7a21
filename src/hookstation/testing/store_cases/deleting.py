"""Records that are deleted, activities that change, and records that are found by their fields."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Mapping

from hookstation.core.records import Effect, EffectResult, EffectVerdict, EntitySpec, Operation
from hookstation.core.values import Number, Scalar
from hookstation.errors import NotFound
from hookstation.ports.store import Acceptance, ConfigurationChange, Store
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    PROFILE,
    VENUES,
    do,
    entry,
    event_id,
    insert,
    succeeds,
    update,
    upsert,
)


class DeletingCases:
    """What an effect owes that deletes a record, or changes an activity."""

    async def test_delete(self, store: Store) -> None:
        """A deletion takes the one record that matches, and names its key; its fields count for nothing."""
        await do(store, 1, insert(COURSES, ID="7", Code="X1"))
        await do(store, 2, insert(COURSES, ID="7", Code="X2"))

        result = await do(store, 3, delete(COURSES, {"ID": "7", "Code": "X1"}))

        assert EffectResult(EffectVerdict.WRITTEN, "7|1", inserted=False) == result
        assert None is await store.get_record(COURSES.name, "7|1")
        assert ["7|2"] == [one.key for one in await store.list_records(COURSES.name, 9)]
        assert 1 == await store.count_records(COURSES.name)

    async def test_delete_nothing(self, store: Store) -> None:
        """Where no record matches, or several do, or the entity has none, nothing goes."""
        await do(store, 1, insert(COURSES, ID="7", Code="X"))
        await do(store, 2, insert(COURSES, ID="8", Code="X"))

        verdicts = [
            (await do(store, n, delete(spec, match))).verdict
            for n, (spec, match) in enumerate(
                [(COURSES, {"Code": "Y"}), (COURSES, {"Code": "X"}), (VENUES, {"City": "Graz"})], 3
            )
        ]

        none, several = EffectVerdict.NONE_FOUND, EffectVerdict.SEVERAL_FOUND
        assert [none, several, none] == verdicts
        assert 2 == await store.count_records(COURSES.name)

    async def test_a_number_is_given_once(self, store: Store) -> None:
        """The number of a record that is gone is not given again."""
        await do(store, 1, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="A"))
        await do(store, 2, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="B"))
        await do(store, 3, delete(ACTIVITIES, {"ACTIVITY_TYPE": "B"}))

        again = await do(store, 4, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="C"))

        assert EffectResult(EffectVerdict.WRITTEN, "3") == again
        assert ["1", "3"] == [one.key for one in await store.list_records("Activity", 9)]

    async def test_a_single_row_makes_room(self, store: Store) -> None:
        """Where a single-instance panel's row is gone, its party may have another one."""
        await do(store, 1, insert(PROFILE, ID="7", A=1))
        await do(store, 2, delete(PROFILE, {"ID": "7"}))

        again = await do(store, 3, insert(PROFILE, ID="7", A=2))

        assert EffectResult(EffectVerdict.WRITTEN, "7") == again

    async def test_deleted_by_many_at_once(self, store: Store) -> None:
        """Of many deletions of one record that come at once, one takes it."""
        await do(store, 99, insert(COURSES, ID="7", Code="X"))

        done = await asyncio.gather(
            *(store.accept(Acceptance(entry(n), succeeds, delete(COURSES, {"Code": "X"}))) for n in range(10))
        )

        verdicts = [one.effect.verdict for one in done if one.effect]
        assert (1, 9) == (verdicts.count(EffectVerdict.WRITTEN), verdicts.count(EffectVerdict.NONE_FOUND))

    async def test_an_activity_changes(self, store: Store) -> None:
        """An activity is updated by any of its fields, its number among them, and stays itself."""
        await do(store, 1, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="A", NOTE="n"))
        await do(store, 2, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="B"))

        first = await do(store, 3, update(ACTIVITIES, {"SEQN": 1}, NOTE="changed"))
        second = await do(store, 4, update(ACTIVITIES, {"ID": "7", "ACTIVITY_TYPE": "B"}, NOTE="too"))
        several = await do(store, 5, update(ACTIVITIES, {"ID": "7"}, NOTE="never"))

        assert EffectResult(EffectVerdict.WRITTEN, "1", inserted=False) == first
        assert EffectResult(EffectVerdict.WRITTEN, "2", inserted=False) == second
        assert EffectVerdict.SEVERAL_FOUND is several.verdict
        record = await store.get_record("Activity", "1")
        assert record is not None
        assert {"SEQN": 1, "ID": "7", "ACTIVITY_TYPE": "A", "NOTE": "changed"} == record.fields
        assert event_id(3) == record.event_id

    async def test_an_activity_is_there_once(self, store: Store) -> None:
        """An upserted activity is inserted where none matches, and changed where one does."""
        match: dict[str, Scalar] = {"ID": "7", "OTHER_CODE": "order-1"}

        first = await do(store, 1, upsert(ACTIVITIES, match, AMOUNT=Number("1.50")))
        second = await do(store, 2, upsert(ACTIVITIES, match, AMOUNT=Number("2.50")))

        assert EffectResult(EffectVerdict.WRITTEN, "1") == first
        assert EffectResult(EffectVerdict.WRITTEN, "1", inserted=False) == second
        record = await store.get_record("Activity", "1")
        assert record is not None
        assert {"SEQN": 1, **match, "AMOUNT": Number("2.50")} == record.fields


class FindingRecordsCases:
    """What `find_records` owes."""

    async def test_found_by_their_fields(self, store: Store) -> None:
        """Records are found by all the values that were given, numbers by value, nothing where there is none."""
        await do(store, 1, insert(COURSES, ID="7", Code="X", Credits=Number("1.0")))
        await do(store, 2, insert(COURSES, ID="8", Code="X", Credits=2))
        await do(store, 3, insert(COURSES, ID="7", Code=None))

        async def keys(limit: int = 9, **match: Scalar) -> list[str]:
            return [one.key for one in await store.find_records(COURSES.name, match, limit)]

        assert ["7|1", "8|1"] == await keys(Code="X")
        assert ["7|1"] == await keys(1, Code="X")
        assert ["7|1"] == await keys(ID="7", Code="X")
        assert ["7|1"] == await keys(Credits=1)
        assert ["7|2"] == await keys(Code=None)
        assert ["7|2"] == await keys(Credits=None)
        assert ["7|1", "8|1", "7|2"] == await keys()
        assert [] == await keys(Code="Y")
        [found] = await store.find_records(COURSES.name, {"ID": "8"}, 1)
        assert ({"ID": "8", "Code": "X", "Credits": 2, "Ordinal": 1}, event_id(2)) == (
            found.fields,
            found.event_id,
        )

    async def test_a_field_that_is_not_there(self, store: Store) -> None:
        """A field that no record has is as if it had no value."""
        await do(store, 1, insert(VENUES, City="Graz"))

        assert [] == list(await store.find_records(VENUES.name, {"it's": "x"}, 9))
        assert 1 == len(await store.find_records(VENUES.name, {"it's": None}, 9))

    async def test_an_entity_that_is_not_there(self, store: Store) -> None:
        """Nothing is found in an entity without records; one that nobody knows is an error that names it."""
        await store.save_configuration(ConfigurationChange(panels={VENUES.name: "{}"}), 0)
        await do(store, 1, insert(COURSES, ID="7"))
        await do(store, 2, delete(COURSES, {"ID": "7"}))

        for entity in (VENUES.name, COURSES.name, "Activity"):
            assert [] == list(await store.find_records(entity, {"ID": "7"}, 9))
        [refused] = await asyncio.gather(store.find_records("ABC_Typo", {}, 9), return_exceptions=True)
        assert isinstance(refused, NotFound)
        assert "ABC_Typo" in refused.message


def delete(spec: EntitySpec, match: Mapping[str, Scalar]) -> Effect:
    """Take away the one record that matches."""
    return Effect(spec, Operation.DELETE, {}, match)
