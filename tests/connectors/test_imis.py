from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hookstation.connectors.imis.token import Credentials
from hookstation.core.records import ACTIVITY, FieldType, Operation, Record
from hookstation.core.values import Number, Secret
from hookstation.errors import (
    ActionFailed,
    NeedsAuth,
    NotFound,
    Retriable,
    Terminal,
    UnknownOutcome,
)
from hookstation.ports.connector import LookUpVerdict, RemoteConnector
from hookstation.testing.connector_suite import Bench, RemoteSuite
from hookstation.testing.sandbox import Fault, Settings
from tests.connectors.imis_bench import PANEL, PERSON, Target, target


@pytest.fixture
async def imis() -> AsyncIterator[Target]:
    async with target() as made:
        yield made


class TestSuite(RemoteSuite):
    """iMIS keeps what every target keeps."""

    @pytest.fixture
    def bench(self, imis: Target) -> Bench[RemoteConnector]:
        return Bench(imis.connector, PANEL, "CourseCode", "Grade", PERSON, imis.sandbox.rows)


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_every_good_status_with_the_entity_is_done(imis: Target, status: int) -> None:
    imis.sandbox.fault(Fault("saved-with-status", "POST", "/api/Activity", status=status))
    assert (await imis.insert_activity()).key
    assert 1 == len(imis.sandbox.rows(ACTIVITY))


async def test_a_good_answer_without_a_body_is_done(imis: Target) -> None:
    imis.sandbox.fault(Fault("saved-with-status", "POST", "/api/Activity", status=204))
    assert "" == (await imis.insert_activity()).key


@pytest.mark.parametrize("variant", ["result", "status", "valid"])
async def test_200_with_a_failure_inside_is_a_failure(imis: Target, variant: str) -> None:
    imis.sandbox.fault(Fault("ok-with-failure", "POST", "/api/Activity", variant=variant))
    with pytest.raises(Terminal, match="did not save"):
        await imis.insert_activity()


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, Terminal), (403, Terminal), (404, Terminal), (405, Terminal), (409, Terminal), (413, Terminal),
        (501, Terminal), (429, Retriable), (408, UnknownOutcome), (500, UnknownOutcome), (502, UnknownOutcome),
        (503, UnknownOutcome), (504, UnknownOutcome), (507, UnknownOutcome),
    ],
)  # fmt: skip
async def test_a_status_means_what_the_table_says_for_an_insert(
    imis: Target, status: int, meaning: type[ActionFailed]
) -> None:
    imis.sandbox.fault(Fault("status", "POST", "/api/Activity", status=status))
    with pytest.raises(ActionFailed) as refused:
        await imis.insert_activity()
    assert meaning is type(refused.value) or issubclass(type(refused.value), Terminal) is (
        meaning is Terminal
    )
    assert f"status {status}" in refused.value.detail


@pytest.mark.parametrize("status", [408, 500, 503])
async def test_reading_and_replacing_a_whole_may_be_tried_again(imis: Target, status: int) -> None:
    await imis.write(Operation.INSERT, {"ID": PERSON, "CourseCode": "X1"})
    for method in ("GET", "PUT"):
        imis.sandbox.fault(Fault("status", method, "/api/ABC_Courses", times=1, status=status))
        with pytest.raises(Retriable):
            await imis.write(Operation.UPDATE, {"Grade": "A"}, {"CourseCode": "X1"})
    assert not (await imis.write(Operation.UPDATE, {"Grade": "A"}, {"CourseCode": "X1"})).inserted


async def test_validation_messages_go_on_to_the_sender(imis: Target) -> None:
    with pytest.raises(Terminal, match="ACTIVITY_TYPE"):
        await imis.insert_activity(ACTIVITY_TYPE="LONGER THAN TEN")


async def test_500_although_saved_is_unknown_and_the_look_up_finds_exactly_one(imis: Target) -> None:
    imis.sandbox.fault(Fault("saved-but-500", "POST", "/api/Activity", times=1))
    with pytest.raises(UnknownOutcome):
        await imis.insert_activity(UF_1="event-1")
    found = await imis.look_up("UF_1", UF_1="event-1")
    assert LookUpVerdict.FOUND is found.verdict
    assert 1 == len(found.keys)


async def test_a_dropped_answer_is_unknown_and_the_look_up_finds_exactly_one(imis: Target) -> None:
    imis.sandbox.fault(Fault("saved-but-dropped", "POST", "/api/Activity", times=1))
    with pytest.raises(UnknownOutcome):
        await imis.insert_activity(UF_1="event-1")
    assert 1 == imis.sandbox.calls("POST", "/api/Activity")
    assert LookUpVerdict.FOUND is (await imis.look_up("UF_1", UF_1="event-1")).verdict


async def test_a_dropped_request_is_unknown_and_the_look_up_finds_none(imis: Target) -> None:
    imis.sandbox.fault(Fault("dropped", "POST", "/api/Activity", times=1))
    with pytest.raises(UnknownOutcome):
        await imis.insert_activity(UF_1="event-1")
    assert LookUpVerdict.NONE is (await imis.look_up("UF_1", UF_1="event-1")).verdict


async def test_an_answer_that_is_too_slow_is_unknown() -> None:
    async with target(timeout=0.3) as imis:
        await imis.connector.check()
        imis.sandbox.fault(Fault("saved-but-slow", "POST", "/api/Activity", seconds=60.0))
        with pytest.raises(UnknownOutcome):
            await imis.insert_activity(UF_1="event-1")


async def test_a_target_that_is_not_there_is_retriable(imis: Target) -> None:
    await imis.insert_activity()
    async with target() as gone:
        pass
    with pytest.raises(Retriable):
        await gone.insert_activity()


async def test_a_token_that_is_refused_is_renewed_once_and_the_call_sent_again(imis: Target) -> None:
    await imis.insert_activity()
    imis.sandbox.state.tokens.clear()
    assert (await imis.insert_activity()).key
    assert 2 == imis.sandbox.calls("POST", "/token")
    assert 2 == len(imis.sandbox.rows(ACTIVITY))


async def test_a_token_that_is_refused_again_needs_a_person(imis: Target) -> None:
    imis.sandbox.fault(Fault("status", "POST", "/api/Activity", times=2, status=401))
    with pytest.raises(NeedsAuth):
        await imis.insert_activity()
    assert (await imis.insert_activity()).key


async def test_a_token_is_renewed_before_it_ends() -> None:
    async with target(Settings(token_life=100.0)) as imis:
        await imis.insert_activity()
        imis.watch.seconds += 89
        await imis.insert_activity()
        assert 1 == imis.sandbox.calls("POST", "/token")
        imis.watch.seconds += 2
        await imis.insert_activity()
        assert 2 == imis.sandbox.calls("POST", "/token")


async def test_all_who_need_a_token_share_one_sign_in(imis: Target) -> None:
    await asyncio.gather(*(imis.insert_activity() for _ in range(10)))
    assert 1 == imis.sandbox.calls("POST", "/token")


async def test_a_changed_password_needs_a_person_and_is_not_tried_with_every_event(imis: Target) -> None:
    imis.sandbox.state.change(Settings(password="another"))
    imis.sandbox.state.tokens.clear()
    for _ in range(5):
        with pytest.raises(NeedsAuth):
            await imis.insert_activity()
    assert 1 == imis.sandbox.calls("POST", "/token")
    imis.sandbox.state.change(Settings())
    imis.watch.seconds += 61
    assert (await imis.insert_activity()).key


async def test_a_person_who_checks_is_told_the_truth_at_once(imis: Target) -> None:
    imis.sandbox.state.change(Settings(password="another"))
    with pytest.raises(NeedsAuth):
        await imis.connector.check()
    imis.sandbox.state.change(Settings())
    assert "Signed in as manager; its field lists can be read." == await imis.connector.check()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_sign_in_that_does_not_work_for_the_moment_is_retriable(imis: Target, status: int) -> None:
    imis.sandbox.fault(Fault("status", "POST", "/token", times=1, status=status))
    with pytest.raises(Retriable):
        await imis.insert_activity()
    assert (await imis.insert_activity()).key


async def test_a_sign_in_without_an_answer_is_retriable_since_no_record_was_sent(imis: Target) -> None:
    imis.sandbox.fault(Fault("dropped", "POST", "/token", times=1))
    with pytest.raises(Retriable):
        await imis.insert_activity()
    assert (await imis.insert_activity()).key


async def test_an_sso_app_signs_in_with_its_refresh_token() -> None:
    app = Credentials(
        client_id="sandbox-app",
        client_secret=Secret("sandbox-secret"),
        refresh_token=Secret("sandbox-refresh"),
    )
    async with target(credentials=app) as imis:
        assert (await imis.insert_activity()).key


@pytest.mark.parametrize("spoken", ["PartyId", "ID"])
@pytest.mark.parametrize("configured", ["auto", "same"])
async def test_both_dialects_are_spoken(spoken: str, configured: str) -> None:
    dialect = {"auto": "auto", "same": spoken}[configured]
    async with target(Settings(party_property=spoken), dialect=dialect) as imis:
        await imis.insert_activity(UF_1="event-1")
        assert PERSON == imis.sandbox.rows(ACTIVITY)[0][spoken]
        assert LookUpVerdict.FOUND is (await imis.look_up("", UF_1="event-1")).verdict
        assert "ID" in (await imis.connector.describe(ACTIVITY)).fields


async def test_values_arrive_with_their_types_and_digits(imis: Target) -> None:
    await imis.insert_activity(
        AMOUNT=Number("19.90"),
        QUANTITY=Number("1e3"),
        GRACE_PERIOD=7,
        RECURRING_REQUEST=True,
        EFFECTIVE_DATE="2026-11-22",
        NOTE="Größe “5”\n",
        UF_2=None,
    )
    row = {name: str(value) for name, value in imis.sandbox.rows(ACTIVITY)[0].items()}
    assert ("19.90", "1000", "7", "True") == (
        row["AMOUNT"],
        row["QUANTITY"],
        row["GRACE_PERIOD"],
        row["RECURRING_REQUEST"],
    )
    assert "2026-11-22" in row["EFFECTIVE_DATE"]
    assert "Größe “5”\n" == row["NOTE"]
    assert "UF_2" not in row


async def test_a_panel_is_described_as_the_target_says(imis: Target) -> None:
    spec = await imis.connector.describe("ABC_Certificates")
    assert ("bronze", "silver", "gold") == spec.fields["Level"].values
    assert 40 == spec.fields["Certificate"].length
    assert FieldType.INTEGER is spec.fields["Points"].type
    assert spec.fields["ID"].required
    standalone = await imis.connector.describe("ABC_Orders")
    assert standalone.party_field is None
    assert standalone.fields["Ordinal"].read_only


async def test_a_missing_definition_is_looked_for_at_the_other_address(imis: Target) -> None:
    imis.sandbox.fault(Fault("status", "GET", "/api/BOEntityDefinition/ABC_Courses", status=501))
    assert "CourseCode" in (await imis.connector.describe(PANEL)).fields
    imis.sandbox.fault(Fault("status", "GET", "/api/metadata/ABC_Courses", status=501))
    with pytest.raises(NotFound):
        await imis.connector.describe(PANEL)


async def test_a_single_instance_panel_and_a_standalone_one_are_written(imis: Target) -> None:
    connector = imis.connector
    for entity, fields, match in (
        ("ABC_Certificates", {"Certificate": "A"}, {"ID": PERSON}),
        ("ABC_Orders", {"Total": Number("1.50")}, {"OrderNumber": "R/1 #2"}),
    ):
        for presumed in (False, True):
            spec = connector.presumed(entity) if presumed else await connector.describe(entity)
            await connector.execute(Record("imis", entity, Operation.UPSERT, fields, match), spec)
        assert 1 == len(imis.sandbox.rows(entity))


async def test_a_match_beyond_the_first_page_is_found(imis: Target) -> None:
    async with target(Settings(largest_page=2)) as small:
        for grade in "abcde":
            await small.write(Operation.INSERT, {"ID": PERSON, "CourseCode": "X1", "Grade": grade})
        with pytest.raises(Terminal, match="several"):
            await small.write(Operation.UPDATE, {"Note": "n"}, {"CourseCode": "X1"})
        written = await small.write(Operation.UPDATE, {"Note": "n"}, {"CourseCode": "X1", "Grade": "e"})
        assert not written.inserted


@pytest.mark.parametrize("code", ["contains:X", "", " ", None, "startswith:1"])
async def test_a_value_that_cannot_be_matched_on_is_refused_before_anything_is_written(
    imis: Target, code: str | None
) -> None:
    with pytest.raises(Terminal, match="CourseCode"):
        await imis.write(Operation.UPSERT, {"Grade": "A"}, {"ID": PERSON, "CourseCode": code})
    assert not imis.sandbox.rows(PANEL)


async def test_values_joined_by_a_bar_match_only_themselves(imis: Target) -> None:
    await imis.write(Operation.INSERT, {"ID": PERSON, "CourseCode": "A"})
    written = await imis.write(Operation.UPSERT, {"Grade": "x"}, {"ID": PERSON, "CourseCode": "A|B"})
    assert written.inserted


@pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.UPSERT])
async def test_a_bar_in_the_only_match_is_refused_before_anything_is_written(
    imis: Target, operation: Operation
) -> None:
    with pytest.raises(Terminal, match="CourseCode"):
        await imis.write(operation, {"ID": PERSON, "Grade": "A"}, {"CourseCode": "A|B"})
    assert not imis.sandbox.rows(PANEL)


async def test_a_look_up_asks_for_no_value_that_the_target_reads_otherwise(imis: Target) -> None:
    """Operators in any case and alternatives are compared here: the row that stands there is found."""
    for code in ("CONTAINS:x", "Eq:x", "a|b"):
        written = await imis.insert_activity(UF_1=code, PRODUCT_CODE=code)
        found = await imis.look_up("", UF_1=code, PRODUCT_CODE=code)
        assert [written.key] == list(found.keys)


async def test_a_row_is_not_moved_to_another_person(imis: Target) -> None:
    await imis.write(Operation.INSERT, {"ID": PERSON, "CourseCode": "A"})
    with pytest.raises(Terminal, match="another person"):
        await imis.write(Operation.UPDATE, {"ID": "10421"}, {"CourseCode": "A"})


async def test_an_activity_that_is_not_there_is_not_changed(imis: Target) -> None:
    record = Record("imis", ACTIVITY, Operation.UPDATE, {"NOTE": "n"}, {"SEQN": 1})
    with pytest.raises(Terminal, match="no row matches SEQN"):
        await imis.connector.execute(record, imis.connector.presumed(ACTIVITY))


async def test_a_private_target_that_is_not_permitted_is_refused_without_naming_it() -> None:
    async with target(networks=()) as imis:
        with pytest.raises(Terminal) as refused:
            await imis.insert_activity()
        assert "127" not in refused.value.message
        assert "networks" in refused.value.detail


async def test_who_sets_up_a_private_target_is_told_what_to_permit() -> None:
    async with target(networks=()) as imis:
        for asked in (imis.connector.describe(PANEL), imis.connector.check()):
            with pytest.raises(Terminal, match=r"put 127\.0\.0\.1/32.*`networks`"):
                await asked


async def test_a_look_up_without_its_marker_is_refused_and_not_taken_for_none(imis: Target) -> None:
    with pytest.raises(Terminal, match="UF_1"):
        await imis.look_up("UF_1")
