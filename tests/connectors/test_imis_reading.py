"""iMIS in its own terms: calls, all pages, stored queries, activities by number, and finding, changing, deleting."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.connectors.imis.paging import walk
from hookstation.core.records import ACTIVITY, Operation, Record
from hookstation.core.values import JSON, Number
from hookstation.errors import ActionFailed, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiAnswer, ApiCall, ApiConnector, QueryConnector
from hookstation.testing.connector_suite import refusal
from hookstation.testing.sandbox import Fault, Settings
from tests.connectors.imis_bench import PANEL, PERSON, Target, target


@pytest.fixture
async def imis() -> AsyncIterator[Target]:
    async with target() as made:
        yield made


async def gathered(pages: AsyncIterator[Sequence[JSON]]) -> list[JSON]:
    return [item async for page in pages for item in page]


def codes(items: Sequence[JSON]) -> list[str]:
    """The course code of each entity."""
    found = []
    for item in items:
        assert isinstance(item, dict)
        held: list[dict[str, str]] = item["Properties"]["$values"]  # type: ignore[assignment,call-overload,index]
        found.append(next(each["Value"] for each in held if each["Name"] == "CourseCode"))
    return found


async def courses(imis: Target, count: int) -> list[str]:
    names = [f"C{number:03}" for number in range(count)]
    for name in names:
        await imis.write(Operation.INSERT, {"ID": PERSON, "CourseCode": name, "Grade": "A"})
    return names


LIST = ApiCall("GET", PANEL, (("orderby", "Ordinal"), ("limit", "10")))


async def test_a_call_goes_below_the_interface_with_the_token(imis: Target) -> None:
    assert isinstance(imis.connector, ApiConnector)
    assert isinstance(imis.connector, QueryConnector)
    answer = await imis.connector.call(ApiCall("GET", "Party", (("email", "family@example.org"),)))
    assert 200 == answer.status
    assert 2 <= len(json.loads(answer.body)["Items"]["$values"])


async def test_the_interface_may_be_named_in_the_path_and_pages_in_a_link(imis: Target) -> None:
    plain = await imis.connector.call(ApiCall("GET", "Party", (("limit", "1"),)))
    named = await imis.connector.call(ApiCall("GET", "/api/Party", (("limit", "1"),)))
    link = await imis.connector.call(ApiCall("GET", "Party", (("limit", "9"),), link="?limit=1"))
    assert plain.body == named.body == link.body
    away = ApiCall("GET", "Party", link="/token")
    assert isinstance(await refusal(imis.connector.call(away)), Terminal)


@pytest.mark.parametrize("path", ["../token", "Party/../../x", "Party%2f..%2f..%2fx", "Party?x=1", "a\\b"])
async def test_no_path_leads_out_of_the_interface(imis: Target, path: str) -> None:
    assert isinstance(await refusal(imis.connector.call(ApiCall("GET", path))), Terminal)


@pytest.mark.parametrize(("fault", "method", "kind"), [
    (Fault("status", status=500), "GET", Retriable), (Fault("status", status=500), "POST", UnknownOutcome),
    (Fault("dropped"), "GET", Retriable), (Fault("dropped"), "POST", UnknownOutcome),
    (Fault("status", status=404), "GET", Terminal), (Fault("ok-with-failure"), "POST", Terminal),
    (Fault("status", status=401), "GET", NeedsAuth),
])  # fmt: skip
async def test_each_end_of_a_call_is_an_instruction(
    imis: Target, fault: Fault, method: str, kind: type[Exception]
) -> None:
    imis.sandbox.fault(replace(fault, path="/api/Party"))
    assert isinstance(await refusal(imis.connector.call(ApiCall(method, "Party"))), kind)


async def test_a_refusal_carries_what_was_answered(imis: Target) -> None:
    """A step that goes on behind a refused call can read its status and body."""
    imis.sandbox.fault(Fault("status", status=409, path="/api/Party"))
    refused = await refusal(imis.connector.call(ApiCall("GET", "Party")))
    assert isinstance(refused, ActionFailed)
    assert isinstance(refused.answer, ApiAnswer)
    assert 409 == refused.answer.status


async def test_all_pages_are_read_to_the_last(imis: Target) -> None:
    names = await courses(imis, 35)
    assert names == codes(await gathered(imis.connector.pages(LIST)))
    later = replace(LIST, query=(*LIST.query, ("offset", "30")))
    assert names[30:] == codes(await gathered(imis.connector.pages(later)))
    assert [] == await gathered(imis.connector.pages(ApiCall("GET", PANEL, (("CourseCode", "none"),))))
    assert isinstance(await refusal(gathered(imis.connector.pages(replace(LIST, method="POST")))), Terminal)


async def test_a_page_that_is_cut_in_half_loses_nothing(imis: Target) -> None:
    """The target says of the next page what would follow on a whole one."""
    names = await courses(imis, 35)
    imis.sandbox.fault(Fault("half-page", method="GET", path=f"/api/{PANEL}", times=3))
    assert names == codes(await gathered(imis.connector.pages(LIST)))


async def test_a_row_that_is_deleted_meanwhile_hides_no_other(imis: Target) -> None:
    names = await courses(imis, 35)
    pages = imis.connector.pages(LIST)
    first = codes(await anext(pages))
    table = imis.sandbox.state.table(PANEL)
    for row in list(table.rows.values())[:4]:
        table.delete(row)
    assert names == sorted(set(first + codes(await gathered(pages))))


async def test_an_interrupted_page_is_an_error_and_no_end(imis: Target) -> None:
    await courses(imis, 25)
    pages = imis.connector.pages(LIST)
    await anext(pages)
    imis.sandbox.fault(Fault("status", status=503, path=f"/api/{PANEL}"))
    assert isinstance(await refusal(gathered(pages)), Retriable)


@pytest.mark.parametrize("place", ["query", "iqa", "both"])
async def test_a_stored_query_gives_flat_rows_on_either_platform(place: str) -> None:
    async with target(Settings(queries_at=place, largest_page=7)) as imis:
        names = await courses(imis, 20)
        rows = await gathered(imis.connector.query(f"$/Sandbox/{PANEL}", {}))  # type: ignore[arg-type]
        assert names == [row["CourseCode"] for row in rows]  # type: ignore[call-overload,index]
        assert PERSON == rows[0]["ID"]  # type: ignore[call-overload,index]
        some = await gathered(imis.connector.query(f"$/Sandbox/{PANEL}", {}, 3, 8))  # type: ignore[arg-type]
        assert names[3:11] == [row["CourseCode"] for row in some]  # type: ignore[call-overload,index]
        chosen = await gathered(imis.connector.query(f"$/Sandbox/{PANEL}", {"CourseCode": "C004"}))  # type: ignore[arg-type]
        assert 1 == len(chosen)


async def test_a_stored_query_that_is_not_there_is_told(imis: Target) -> None:
    failure = await refusal(gathered(imis.connector.query("$/None", {})))  # type: ignore[arg-type]
    assert "$/None" in failure.message


async def test_activities_come_in_the_order_of_their_numbers(imis: Target) -> None:
    assert 0 == await imis.connector.newest_activity()
    assert [] == await imis.connector.activities_after(0, 10)
    keys = [
        int((await imis.insert_activity(UF_1=f"u{number}", UF_4=Number("1.5"))).key) for number in range(12)
    ]
    assert keys[-1] == await imis.connector.newest_activity()
    first = await imis.connector.activities_after(0, 5)
    assert keys[:5] == [row["SEQN"] for row in first]
    assert (PERSON, "TEST", "u0") == (first[0]["ID"], first[0]["ACTIVITY_TYPE"], first[0]["UF_1"])
    assert keys[5:] == [row["SEQN"] for row in await imis.connector.activities_after(keys[4], 100)]
    assert keys[3:5] == [row["SEQN"] for row in await imis.connector.activities_after(keys[2], 2)]
    assert [] == await imis.connector.activities_after(keys[-1], 5)
    added = int((await imis.insert_activity()).key)
    assert [added] == [row["SEQN"] for row in await imis.connector.activities_after(keys[-1], 5)]


async def test_activities_that_were_deleted_hide_no_others(imis: Target) -> None:
    keys = [int((await imis.insert_activity()).key) for _ in range(12)]
    await imis.connector.activities_after(keys[3], 4)
    table = imis.sandbox.state.table(ACTIVITY)
    for row in list(table.rows.values())[:6]:
        table.delete(row)
    assert keys[8:] == [row["SEQN"] for row in await imis.connector.activities_after(keys[7], 10)]
    assert keys[6:8] == [row["SEQN"] for row in await imis.connector.activities_after(0, 2)]


async def test_panel_rows_are_found_by_what_they_hold(imis: Target) -> None:
    await courses(imis, 3)
    spec = await imis.connector.describe(PANEL)
    [found] = await imis.connector.find(spec, {"ID": PERSON, "CourseCode": "C001"}, 10)
    assert ("C001", "A", PERSON) == (found["CourseCode"], found["Grade"], found["ID"])
    assert str(found["key"]).startswith(f"~{PERSON}|")
    assert 2 == len(await imis.connector.find(spec, {"ID": PERSON}, 2))
    assert 3 == len(await imis.connector.find(spec, {}, 10))
    assert [] == await imis.connector.find(spec, {"CourseCode": "none"}, 10)


async def test_activities_are_found_under_their_canonical_names(imis: Target) -> None:
    written = await imis.insert_activity(UF_1="here")
    [found] = await imis.connector.find(imis.connector.presumed(ACTIVITY), {"UF_1": "here", "ID": PERSON}, 5)
    assert (written.key, PERSON, "here") == (found["key"], found["ID"], found["UF_1"])
    assert "PartyId" not in found


async def test_a_panel_row_is_deleted_by_what_matches_one(imis: Target) -> None:
    await courses(imis, 2)
    written = await imis.write(Operation.DELETE, {}, {"ID": PERSON, "CourseCode": "C000"})
    assert written.key
    assert ["C001"] == [row["CourseCode"] for row in imis.sandbox.rows(PANEL)]
    assert isinstance(await refusal(imis.write(Operation.DELETE, {}, {"CourseCode": "C000"})), Terminal)
    await courses(imis, 2)
    assert isinstance(await refusal(imis.write(Operation.DELETE, {}, {"ID": PERSON})), Terminal)


async def test_a_deletion_without_an_answer_may_be_tried_again(imis: Target) -> None:
    await courses(imis, 1)
    imis.sandbox.fault(Fault("saved-but-500", method="DELETE", times=1))
    match = {"ID": PERSON, "CourseCode": "C000"}
    assert isinstance(await refusal(imis.write(Operation.DELETE, {}, match)), Retriable)
    assert [] == imis.sandbox.rows(PANEL)


async def test_an_activity_is_changed_and_deleted_by_its_number_alone() -> None:
    async with target(Settings(changeable_activities=True)) as imis:
        one, other = await imis.insert_activity(UF_1="a"), await imis.insert_activity(UF_1="b")

        async def do(operation: Operation, match: dict[str, JSON], **fields: str) -> object:
            record = Record("imis", ACTIVITY, operation, fields, match)  # type: ignore[arg-type]
            return await imis.connector.execute(record, await imis.connector.describe(ACTIVITY))

        await do(Operation.UPDATE, {"SEQN": int(one.key)}, UF_1="c")
        assert ["c", "b"] == [row["UF_1"] for row in imis.sandbox.rows(ACTIVITY)]
        await do(Operation.DELETE, {"SEQN": int(other.key)})
        assert ["c"] == [row["UF_1"] for row in imis.sandbox.rows(ACTIVITY)]
        for operation in (Operation.UPDATE, Operation.DELETE):
            failure = await refusal(do(operation, {"ID": PERSON}, UF_1="d"))
            assert "SEQN" in failure.message
        assert ["c"] == [row["UF_1"] for row in imis.sandbox.rows(ACTIVITY)]


async def test_a_platform_that_does_not_change_activities_says_so(imis: Target) -> None:
    written = await imis.insert_activity()
    record = Record("imis", ACTIVITY, Operation.UPDATE, {"NOTE": "n"}, {"SEQN": int(written.key)})
    failure = await refusal(imis.connector.execute(record, imis.connector.presumed(ACTIVITY)))
    assert isinstance(failure, Terminal)
    assert "501" in failure.message


class Shifting:
    """A list of numbers that is changed before each page by a plan: what to take away, and what to put in."""

    def __init__(self, rows: list[int], plan: list[tuple[list[int], list[int]]], largest: int) -> None:
        self.rows, self._plan, self._largest = rows, plan, largest
        self.gone: set[int] = set()
        self._new = 1_000

    async def ask(self, offset: int, limit: int) -> JSON:
        away, put = self._plan.pop(0) if self._plan else ([], [])
        for place in sorted({one % len(self.rows) for one in away} if self.rows else set(), reverse=True):
            self.gone.add(self.rows.pop(place))
        for place in put:
            self._new += 1
            self.rows.insert(place % (len(self.rows) + 1), self._new)
        found = self.rows[offset : offset + min(limit, self._largest)]
        following = offset + len(found)
        more = bool(found) and following < len(self.rows)
        values: list[JSON] = [{"id": one} for one in found]
        return {"Items": {"$values": values}, "HasNext": more, "NextOffset": following if more else 0}


Read = Callable[[int, int], Awaitable[JSON]]
_places = st.lists(st.integers(0, 60), max_size=2)


@given(
    st.integers(0, 40),
    st.lists(st.tuples(_places, _places), max_size=12),
    st.integers(4, 12),
    st.integers(4, 12),
)
async def test_rows_that_stay_are_all_read_however_the_list_shifts(
    count: int, plan: list[tuple[list[int], list[int]]], size: int, largest: int
) -> None:
    """Or it is said that the list cannot be read; a row is never passed over in silence."""
    held = Shifting(list(range(count)), [([], []), *plan], largest)
    found: list[JSON] = []
    try:
        async for rows in walk(held.ask, size):
            found += rows
    except Retriable:
        return
    read = {row["id"] for row in found if isinstance(row, dict)}
    assert set(range(count)) - held.gone <= read
