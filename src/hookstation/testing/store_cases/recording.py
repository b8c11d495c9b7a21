"""Records of the built-in database: what an effect does, and how it is read back."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from hookstation.core.records import EffectResult, EffectVerdict, EntitySpec, Instances
from hookstation.core.values import Number, Scalar
from hookstation.errors import MappingFailed
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

SEVERAL = EffectResult(EffectVerdict.SEVERAL_FOUND, inserted=False)
NONE = EffectResult(EffectVerdict.NONE_FOUND, inserted=False)
EXISTS = EffectResult(EffectVerdict.EXISTS, inserted=False)


class RecordingCases:
    """What effects and the records database owe."""

    async def test_activity(self, store: Store) -> None:
        """An activity's key is its number, shown as SEQN; values keep their kind and numbers their digits."""
        fields: dict[str, Scalar] = {
            "ID": "10420", "ACTIVITY_TYPE": "TEST", "AMOUNT": Number("19.90"), "QUANTITY": 12345678901234567890123,
            "RECURRING_REQUEST": True, "NOTE": "a \"b\" \\ \u2028 ä\n", "UF_4": None, "UF_5": Number("1e5"),
        }  # fmt: skip

        result = await do(store, 1, insert(ACTIVITIES, **fields))

        assert EffectResult(EffectVerdict.WRITTEN, "1", True) == result
        record = await store.get_record("Activity", "1")
        assert record is not None
        assert {"SEQN": 1, **fields} == record.fields
        assert ("Activity", "1", event_id(1)) == (record.entity, record.key, record.event_id)

    async def test_ordinals(self, store: Store) -> None:
        """A party's rows of a multi-instance panel are numbered from one, each party for itself."""
        keys = [
            (await do(store, n, insert(COURSES, ID=party))).key
            for n, party in enumerate(("7", "8", "7", "7"))
        ]

        assert ["7|1", "8|1", "7|2", "7|3"] == keys
        record = await store.get_record(COURSES.name, "7|3")
        assert record is not None
        assert {"ID": "7", "Ordinal": 3} == record.fields

    async def test_ordinals_of_one_batch(self, store: Store) -> None:
        """Rows of one party that come at once get different ordinals, without a gap."""
        await asyncio.gather(
            *(store.accept(Acceptance(entry(n), succeeds, insert(COURSES, ID="7"))) for n in range(30))
        )

        records = await store.list_records(COURSES.name, 100)
        assert {f"7|{n}" for n in range(1, 31)} == {record.key for record in records}

    async def test_single_instance(self, store: Store) -> None:
        """A single-instance panel takes one row a party, whose key is the party."""
        first = await do(store, 1, insert(PROFILE, ID="7", A=1))
        second = await do(store, 2, insert(PROFILE, ID="7", A=2))

        assert EffectResult(EffectVerdict.WRITTEN, "7") == first
        assert EXISTS == second
        record = await store.get_record(PROFILE.name, "7")
        assert record is not None
        assert {"ID": "7", "A": 1} == record.fields

    async def test_single_instance_at_once(self, store: Store) -> None:
        """Of rows for one party that come at once, a single-instance panel takes one."""
        done = await asyncio.gather(
            *(store.accept(Acceptance(entry(n), succeeds, insert(PROFILE, ID="7"))) for n in range(10))
        )

        verdicts = [one.effect.verdict for one in done if one.effect]
        assert 1 == verdicts.count(EffectVerdict.WRITTEN)
        assert 9 == verdicts.count(EffectVerdict.EXISTS)

    async def test_standalone(self, store: Store) -> None:
        """Rows that hang on nobody have numbers as keys, each entity counting for itself."""
        await do(store, 1, insert(ACTIVITIES, ID="7"))

        keys = [(await do(store, n, insert(VENUES, City=city))).key for n, city in ((2, "Graz"), (3, "Linz"))]

        assert ["1", "2"] == keys
        record = await store.get_record(VENUES.name, "2")
        assert record is not None
        assert {"City": "Linz"} == record.fields

    async def test_nobody_to_hang_on(self, store: Store) -> None:
        """A panel row without a party is refused, naming the field."""
        [refused] = await asyncio.gather(do(store, 1, insert(COURSES, A="1")), return_exceptions=True)

        assert isinstance(refused, MappingFailed)
        assert "ID" == refused.field

    async def test_update(self, store: Store) -> None:
        """An update changes the fields it names in the one record that matches, and leaves the others alone."""
        await do(store, 1, insert(COURSES, ID="7", Code="X1", Grade="pass", Note="n"))
        await do(store, 2, insert(COURSES, ID="7", Code="X2"))

        result = await do(
            store, 3, update(COURSES, {"ID": "7", "Code": "X1"}, Grade=None, Credits=Number("2.50"))
        )

        assert EffectResult(EffectVerdict.WRITTEN, "7|1", inserted=False) == result
        record = await store.get_record(COURSES.name, "7|1")
        assert record is not None
        expected = {
            "ID": "7",
            "Code": "X1",
            "Grade": None,
            "Note": "n",
            "Ordinal": 1,
            "Credits": Number("2.50"),
        }
        assert expected == record.fields
        assert event_id(3) == record.event_id

    async def test_update_of_none_or_several(self, store: Store) -> None:
        """An update that finds none or several writes nothing and says which."""
        await do(store, 1, insert(COURSES, ID="7", Code="X1"))
        await do(store, 2, insert(COURSES, ID="8", Code="X1"))

        none = await do(store, 3, update(COURSES, {"Code": "X2"}, Grade="pass"))
        several = await do(store, 4, update(COURSES, {"Code": "X1"}, Grade="pass"))

        assert (NONE, SEVERAL) == (none, several)
        assert all("Grade" not in record.fields for record in await store.list_records(COURSES.name, 9))

    async def test_upsert(self, store: Store) -> None:
        """An upsert inserts with the matched values where there is none, updates one, and refuses several."""
        inserted = await do(store, 1, upsert(COURSES, {"ID": "7", "Code": "X1"}, Grade="fail"))
        updated = await do(store, 2, upsert(COURSES, {"ID": "7", "Code": "X1"}, Grade="pass"))
        await do(store, 3, insert(COURSES, ID="7", Code="X1"))
        several = await do(store, 4, upsert(COURSES, {"ID": "7", "Code": "X1"}, Grade="none"))

        assert EffectResult(EffectVerdict.WRITTEN, "7|1", inserted=True) == inserted
        assert EffectResult(EffectVerdict.WRITTEN, "7|1", inserted=False) == updated
        assert SEVERAL == several
        record = await store.get_record(COURSES.name, "7|1")
        assert record is not None
        assert {"ID": "7", "Code": "X1", "Grade": "pass", "Ordinal": 1} == record.fields

    async def test_upsert_at_once(self, store: Store) -> None:
        """Upserts of one record that come at once end in one record."""
        await asyncio.gather(
            *(
                store.accept(Acceptance(entry(n), succeeds, upsert(COURSES, {"ID": "7", "Code": "X1"}, N=n)))
                for n in range(20)
            )
        )

        assert 1 == await store.count_records(COURSES.name)

    async def test_upsert_beside_the_only_row(self, store: Store) -> None:
        """An upsert that matches nothing cannot give a party a second row of a single-instance panel."""
        await do(store, 1, insert(PROFILE, ID="7", Code="X1"))

        assert EXISTS == await do(store, 2, upsert(PROFILE, {"ID": "7", "Code": "X2"}, A=1))

    async def test_matching_rules(self, store: Store) -> None:
        """Numbers match by value, text exactly, booleans only booleans, and null what is null or missing."""
        stored: dict[str, Scalar] = {
            "N": Number("1.0"),
            "T": "1",
            "B": True,
            "Z": None,
            "Big": 9007199254740993,
            "D": Number("0.10"),
        }
        await do(store, 1, insert(VENUES, **stored))
        wanted = [
            ({"N": 1}, True), ({"N": Number("1e0")}, True), ({"N": "1"}, False), ({"N": True}, False),
            ({"T": "1"}, True), ({"T": 1}, False), ({"T": "1 "}, False), ({"B": True}, True), ({"B": 1}, False),
            ({"Z": None}, True), ({"Missing": None}, True), ({"T": None}, False),
            ({"Big": 9007199254740993}, True), ({"Big": 9007199254740992}, False), ({"D": Number("0.1")}, True),
            ({"N": 1, "T": "1", "D": Number("0.100")}, True), ({"N": 1, "T": "2"}, False), ({}, True),
        ]  # fmt: skip

        found = [
            (await do(store, n, update(VENUES, match, Seen=n))).verdict is EffectVerdict.WRITTEN  # type: ignore[arg-type]
            for n, (match, _) in enumerate(wanted, 2)
        ]

        assert [expected for _, expected in wanted] == found

    async def test_matching_is_the_same_with_an_index(self, store: Store) -> None:
        """Naming the matched fields in the configuration, and changing them, changes no result."""
        await do(store, 1, insert(COURSES, ID="7", Code="it's", N=Number("1.50")))
        named = ConfigurationChange(
            matches={COURSES.name: frozenset({("ID", "Code"), ("N",), ('odd"name',)})}
        )
        await store.save_configuration(named, 0)

        by_text = await do(store, 2, update(COURSES, {"ID": "7", "Code": "it's"}, A=1))
        by_number = await do(store, 3, update(COURSES, {"N": Number("1.5")}, A=2))
        by_odd = await do(store, 4, update(COURSES, {'odd"name': "x"}, A=3))
        await store.save_configuration(ConfigurationChange(matches={COURSES.name: frozenset({("Code",)})}), 1)
        after = await do(store, 5, update(COURSES, {"N": Number("1.5")}, A=4))

        written = EffectResult(EffectVerdict.WRITTEN, "7|1", inserted=False)
        assert [written, written, NONE, written] == [by_text, by_number, by_odd, after]

    async def test_row_that_moves_to_another_party(self, store: Store) -> None:
        """A row whose party is changed becomes that party's next row, if it may have one."""
        await do(store, 1, insert(COURSES, ID="7", Code="X1"))
        await do(store, 2, insert(COURSES, ID="8", Code="X2"))
        await do(store, 3, insert(PROFILE, ID="7", Code="X1"))
        await do(store, 4, insert(PROFILE, ID="8", Code="X2"))

        moved = await do(store, 5, update(COURSES, {"Code": "X1"}, ID="8"))
        stays = await do(store, 6, update(PROFILE, {"Code": "X1"}, ID="8"))

        assert EffectResult(EffectVerdict.WRITTEN, "8|2", inserted=False) == moved
        assert EXISTS == stays
        assert ["8|2", "8|1"] == [record.key for record in await store.list_records(COURSES.name, 9)]

    async def test_listing(self, store: Store) -> None:
        """Records come in the order of writing, paged by key, and another entity's do not come along."""
        for number in range(5):
            await do(store, number, insert(COURSES, ID=str(number % 2)))
            await do(store, number + 10, insert(VENUES, N=number))

        first = await store.list_records(COURSES.name, 3)
        rest = await store.list_records(COURSES.name, 3, first[-1].key)

        assert ["0|1", "1|1", "0|2", "1|2", "0|3"] == [record.key for record in [*first, *rest]]
        assert [] == list(await store.list_records(COURSES.name, 3, "nobody"))
        assert [] == list(await store.list_records("Nothing", 3))

    async def test_counting(self, store: Store) -> None:
        """The count of an entity is that of the records inserted; updates do not count."""
        await do(store, 1, insert(COURSES, ID="7", Code="X1"))
        await do(store, 2, upsert(COURSES, {"Code": "X1"}, Grade="pass"))
        await do(store, 3, insert(COURSES, ID="7"))

        assert (2, 0) == (await store.count_records(COURSES.name), await store.count_records("Nothing"))

    async def test_keys_that_look_alike(self, store: Store) -> None:
        """A party may look like a number or hold a bar; its rows are found all the same, and nothing else is."""
        await do(store, 1, insert(PROFILE, ID="12", A=1))
        await do(store, 2, insert(PROFILE, ID="a|1", A=2))
        await do(store, 3, insert(COURSES, ID="a|1", A=3))

        found = [
            await store.get_record(entity, key)
            for entity, key in ((PROFILE.name, "12"), (PROFILE.name, "a|1"), (COURSES.name, "a|1|1"))
        ]
        assert [1, 2, 3] == [record and record.fields["A"] for record in found]
        missing = ((PROFILE.name, "1"), (COURSES.name, "a|1"), (COURSES.name, "a|2"), (COURSES.name, ""))
        assert {None} == {await store.get_record(entity, key) for entity, key in missing}

    async def test_text_that_is_hard_to_match(self, store: Store) -> None:
        """Texts with quotes, NUL, other scripts and emoji are matched exactly."""
        texts = ["it's", 'a"b', "a\\b", "nul\0inside", "nul", "ä", "a\u0308", "😀", " ", "null", "true"]
        spec = EntitySpec("ABC_Odd", {}, instances=Instances.MULTI)
        for number, text in enumerate(texts):
            await do(store, number, insert(spec, ID="7", **{"Odd 'name": text}))

        results = [
            await do(store, 20 + number, update(spec, {"Odd 'name": text}, Seen=number))
            for number, text in enumerate(texts)
        ]

        assert [f"7|{number}" for number in range(1, len(texts) + 1)] == [result.key for result in results]
