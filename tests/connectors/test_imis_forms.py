from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import CATALOGUE, ROOMS, build_connector
from hookstation.connectors.imis.answers import Call, believe, clean
from hookstation.connectors.imis.client import row_path
from hookstation.connectors.imis.envelope import (
    Entity,
    Form,
    changed_entity,
    holds,
    key_of,
    new_entity,
    value_of,
)
from hookstation.connectors.imis.find import items, question_text
from hookstation.connectors.imis.locks import KeyedLocks
from hookstation.connectors.imis.metadata import read_definition, wire_names
from hookstation.connectors.imis.values import same, unwrap, wrap
from hookstation.connectors.outside import Outside
from hookstation.core.definitions import Connection
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.records import EntitySpec, FieldSpec, FieldType, Parent
from hookstation.core.values import JSON, Number, Scalar, Secret
from hookstation.errors import (
    ActionFailed,
    Invalid,
    Retriable,
    Terminal,
    UnknownOutcome,
)
from hookstation.ports.connector import RemoteConnector
from hookstation.ports.http import HttpAnswer
from tests.connectors.imis_bench import PERSON, Watch

PANEL = EntitySpec(
    "ABC_Courses",
    {
        "ID": FieldSpec("ID", FieldType.STRING, 10, required=True),
        "CourseCode": FieldSpec("CourseCode", FieldType.STRING, 20),
        "Credits": FieldSpec("Credits", FieldType.DECIMAL),
        "Count": FieldSpec("Count", FieldType.INTEGER),
        "Passed": FieldSpec("Passed", FieldType.BOOLEAN),
        "On": FieldSpec("On", FieldType.DATETIME),
        "Scan": FieldSpec("Scan", FieldType.BINARY),
    },
)
FORM = Form(PANEL)
DECIMALS = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=4)
FIELDS: st.SearchStrategy[dict[str, Scalar]] = st.fixed_dictionaries(
    {"ID": st.just(PERSON)},
    optional={
        "CourseCode": st.none() | st.text(max_size=20),
        "Credits": DECIMALS.map(lambda number: Number(str(number))),
        "Count": st.integers(-(2**31), 2**31 - 1),
        "Passed": st.booleans(),
        "On": st.datetimes().map(lambda moment: moment.isoformat()),
        "Scan": st.binary(max_size=20).map(lambda raw: base64.b64encode(raw).decode()),
    },
)


def objects(value: JSON) -> Iterator[dict[str, JSON]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else []:
        yield from objects(each)


def answer(status: int, body: bytes = b"") -> HttpAnswer:
    return HttpAnswer(status, {}, body)


@given(FIELDS)
def test_type_is_the_first_key_of_every_object(fields: dict[str, Scalar]) -> None:
    text = dump_json(new_entity(FORM, fields))
    assert all("$type" == next(iter(each)) for each in objects(parse_json(text.encode()).value))


@given(FIELDS)
def test_what_was_put_into_an_entity_is_found_in_it_again(fields: dict[str, Scalar]) -> None:
    entity = parse_json(dump_json(new_entity(FORM, fields)).encode()).value
    assert isinstance(entity, dict)
    assert holds(FORM, entity, fields)


@given(FIELDS, FIELDS)
def test_a_changed_entity_holds_the_changes_and_what_they_left_alone(
    before: dict[str, Scalar], changes: dict[str, Scalar]
) -> None:
    entity = changed_entity(FORM, new_entity(FORM, before), changes)
    assert holds(FORM, entity, before | changes)
    assert all("$type" == next(iter(each)) for each in objects(entity))


def test_the_envelope_is_the_one_of_the_contract() -> None:
    elements = "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib"
    identity = "Asi.Soa.Core.DataContracts.IdentityData, Asi.Contracts"
    expected: dict[str, JSON] = {
        "$type": "Asi.Soa.Core.DataContracts.GenericEntityData, Asi.Contracts",
        "EntityTypeName": "ABC_Courses",
        "PrimaryParentEntityTypeName": "Party",
        "Identity": {"$type": identity, "EntityTypeName": "ABC_Courses"},
        "PrimaryParentIdentity": {
            "$type": identity,
            "EntityTypeName": "Party",
            "IdentityElements": {"$type": elements, "$values": ["10420"]},
        },
        "Properties": {
            "$type": "Asi.Soa.Core.DataContracts.GenericPropertyDataCollection, Asi.Contracts",
            "$values": [
                {
                    "$type": "Asi.Soa.Core.DataContracts.GenericPropertyData, Asi.Contracts",
                    "Name": "CourseCode",
                    "Value": "X1",
                }
            ],
        },
    }
    made = new_entity(FORM, {"ID": "10420", "CourseCode": "X1"})
    assert expected == made
    assert dump_json(expected) == dump_json(made)


def test_a_standalone_row_hangs_on_nothing() -> None:
    form = Form(EntitySpec("ABC_Orders", {}, Parent.STANDALONE, party_field=None))
    made = new_entity(form, {"OrderNumber": "1"})
    assert "Standalone" == made["PrimaryParentEntityTypeName"]
    assert "IdentityElements" not in str(made)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FieldType.STRING, "19.90", '"19.90"'),
        (FieldType.DECIMAL, Number("19.90"), '{"$type":"System.Decimal","$value":19.90}'),
        (FieldType.DECIMAL, Number("1e5"), '{"$type":"System.Decimal","$value":100000}'),
        (FieldType.DECIMAL, 5, '{"$type":"System.Decimal","$value":5}'),
        (FieldType.INTEGER, 5, '{"$type":"System.Int32","$value":5}'),
        (FieldType.INTEGER, 2**40, '{"$type":"System.Int64","$value":1099511627776}'),
        (FieldType.BOOLEAN, True, '{"$type":"System.Boolean","$value":true}'),
        (FieldType.DATE, "2026-11-22", '{"$type":"System.DateTime","$value":"2026-11-22T00:00:00"}'),
        (FieldType.DATETIME, "2026-11-22T09:30:00", '{"$type":"System.DateTime","$value":"2026-11-22T09:30:00"}'),
        (FieldType.BINARY, "AAE=", '{"$type":"System.Byte[], mscorlib","$value":"AAE="}'),
        (FieldType.DATETIME, None, "null"),
        (None, "a", '"a"'),
        (None, True, '{"$type":"System.Boolean","$value":true}'),
        (None, 3, '{"$type":"System.Int32","$value":3}'),
        (None, Number("1.0"), '{"$type":"System.Decimal","$value":1.0}'),
    ],
)  # fmt: skip
def test_a_value_goes_out_in_its_type(kind: FieldType | None, value: Scalar, expected: str) -> None:
    assert expected == dump_json(wrap("F", value, kind))


@given(DECIMALS)
def test_a_decimal_keeps_every_digit(number: Decimal) -> None:
    shown = f"{number:f}"
    assert shown == str(unwrap(wrap("F", Number(shown), FieldType.DECIMAL)))


@pytest.mark.parametrize("text", ["1e29", "0." + "1" * 29, "9" * 29, "1e300", "1e-29"])
def test_a_decimal_that_the_target_would_cut_is_refused(text: str) -> None:
    with pytest.raises(Terminal, match=r"^F: "):
        wrap("F", Number(text), FieldType.DECIMAL)


@pytest.mark.parametrize(
    ("wanted", "stored", "kind"),
    [
        ("X1", "x1 ", FieldType.STRING),
        (Number("19.9"), Number("19.9000"), FieldType.DECIMAL),
        (5, "5", FieldType.INTEGER),
        ("2026-11-22", "2026-11-22T00:00:00", FieldType.DATE),
        ("2026-11-22T09:30:00", "2026-11-22T09:30:00.000", FieldType.DATETIME),
        (True, {"$type": "System.Boolean", "$value": True}, FieldType.BOOLEAN),
        (None, None, FieldType.STRING),
        ("", None, FieldType.STRING),
    ],
)
def test_values_that_mean_the_same_are_the_same(wanted: Scalar, stored: JSON, kind: FieldType) -> None:
    assert same(wanted, stored, kind)
    assert not same("something else", stored, kind)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (["10420"], ("ABC/10420", {})),
        (["10420", "1"], ("ABC/~10420%7C1", {})),
        (["R/1 #2"], ("ABC", {"EntityId": "R/1 #2"})),
        (["a%2Fb", "1"], ("ABC", {"EntityId": "~a%2Fb|1"})),
    ],
)
def test_a_key_goes_into_the_address_or_beside_it(
    elements: list[str], expected: tuple[str, dict[str, str]]
) -> None:
    assert expected == row_path("ABC", elements)


def test_a_key_is_read_from_the_identity_and_a_person_from_the_parent() -> None:
    entity: Entity = {
        "Identity": {"IdentityElements": {"$values": ["10420", "2"]}},
        "PrimaryParentIdentity": {"IdentityElements": {"$values": ["10420"]}},
    }
    assert "~10420|2" == key_of(entity)
    assert "10420" == value_of(FORM, entity, "ID")
    assert "" == key_of({}) == key_of(None) == key_of({"Identity": {"IdentityElements": {"$values": None}}})


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Grade: pass or fail, not x.", "Grade: pass or fail, not x."),
        ("At 09:30:00 on 2026-11-22 the type TEST was unknown", "At 09:30:00 on 2026-11-22 the type TEST was unknown"),
        ("see https://imis.example.org:8443/api/x?k=v for more", "see [address] for more"),
        ("no 10.1.2.3:1433, no fe80::1, no SQL01.corp.local", "no [address], no [address], no [address]"),
        (r"cannot open C:\inetpub\app.config or \\files\share", "cannot open [address] or [address]"),
        ("ask admin@example.org", "ask [address]"),
        ("members.de said no", "[address] said no"),
        ("first line\n   at Asi.Soa.Run()", "first line"),
        ("broken   at Asi.Soa.Core.Run() in X", "broken"),
    ],
)  # fmt: skip
def test_messages_for_senders_hold_no_address_and_no_stack(message: str, told: str) -> None:
    assert told == clean(message, "members.de")


@given(st.text(max_size=3000))
def test_any_message_is_cut_to_a_sentence(message: str) -> None:
    assert 500 >= len(clean(message))


def test_only_validation_messages_of_a_refusal_go_on() -> None:
    body = b'{"Errors": {"$values": [{"Message": "Grade is wrong"}, {"Message": "ID"}]}, "Summary": "secret"}'
    with pytest.raises(Terminal) as refused:
        believe(answer(400, body), Call.ADD)
    assert "The target refused the record (400): Grade is wrong; ID" == refused.value.message
    assert "secret" in refused.value.detail


def meaning_of(status: int, body: bytes, call: Call) -> type[ActionFailed] | None:
    try:
        believe(answer(status, body), call)
    except ActionFailed as failure:
        return type(failure)
    return None


@given(st.integers(100, 599), st.binary(max_size=40))
def test_no_answer_leaves_a_call_unknown_that_may_be_repeated(status: int, body: bytes) -> None:
    assert UnknownOutcome is not meaning_of(status, body, Call.READ)
    assert UnknownOutcome is not meaning_of(status, body, Call.REPLACE)
    assert Retriable is not meaning_of(status, body, Call.ADD) or status == 429


@pytest.mark.parametrize(("call", "meaning"), [(Call.ADD, UnknownOutcome), (Call.READ, Retriable)])
@pytest.mark.parametrize("body", [b"<html>login</html>", b"{", b'"ok"'])
def test_a_good_status_with_an_unreadable_body_is_not_believed(
    body: bytes, call: Call, meaning: type[ActionFailed]
) -> None:
    with pytest.raises(meaning):
        believe(answer(200, body), call)


@pytest.mark.parametrize("page", [None, {}, {"Items": None}, {"Message": "x"}, "text"])
def test_what_is_no_page_is_never_taken_for_an_empty_one(page: JSON) -> None:
    with pytest.raises(Terminal):
        items(page)


def test_a_colon_in_a_value_is_no_operator_unless_it_follows_one() -> None:
    assert "Ref:1" == question_text("F", "Ref:1")
    with pytest.raises(Terminal):
        question_text("F", "CONTAINS:1")


def test_a_definition_is_read_with_lengths_lists_and_money() -> None:
    properties: list[JSON] = [
        {"Name": "ID", "PropertyTypeName": "String", "MaxLength": 10, "IsIdentity": True},
        {"Name": "Text", "PropertyTypeName": "String", "MaxLength": -1, "Required": True},
        {"Name": "Fee", "PropertyTypeName": "Monetary"},
        {"Name": "Odd", "PropertyTypeName": "Guid", "Caption": "Strange"},
    ]
    spec = read_definition(
        "P",
        {
            "ObjectTypeName": "Single",
            "PrimaryParentEntityTypeName": "Party",
            "Properties": {"$values": properties},
        },
    )
    assert ("single", Parent.PARTY) == (spec.instances, spec.parent)
    assert not spec.fields["ID"].read_only
    assert (None, True) == (spec.fields["Text"].length, spec.fields["Text"].required)
    assert (19, 4) == (spec.fields["Fee"].precision, spec.fields["Fee"].scale)
    assert (FieldType.STRING, "Strange") == (spec.fields["Odd"].type, spec.fields["Odd"].caption)


@pytest.mark.parametrize(
    "document",
    [None, {}, {"Properties": []}, [{"Name": "Other"}],
     {"PrimaryParentEntityTypeName": "Event", "Properties": [{"Name": "A"}]}],
)  # fmt: skip
def test_a_definition_that_cannot_be_used_is_refused(document: JSON) -> None:
    with pytest.raises(Terminal):
        read_definition("P", document)


def test_an_activity_under_other_names_is_learned() -> None:
    names: list[JSON] = [{"Name": name} for name in ("PartyId", "ActivityType", "UF_1", "Own_Field")]
    assert {"ID": "PartyId", "ACTIVITY_TYPE": "ActivityType"} == wire_names({"Properties": names})
    spec = read_definition("Activity", {"Properties": names})
    assert {"ID", "ACTIVITY_TYPE", "UF_1", "Own_Field"} == set(spec.fields)


async def test_locks_let_go_when_a_waiter_is_cancelled() -> None:
    locks = KeyedLocks()
    async with locks.hold("a"):
        waiter = asyncio.ensure_future(locks.hold("a").__aenter__())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
    assert 0 == len(locks)


def connection(**settings: JSON) -> Connection:
    defaults: dict[str, JSON] = {"url": "http://imis.test", "zone": "UTC", "timeout": 30, "dialect": "auto"}
    whole = defaults | {"settle_after": 300, "username": "manager"} | settings
    return Connection("imis", "imis", whole, {"password": Secret("p")})


def outside(http: GuardedHttpClient) -> Outside:
    return Outside(http, Watch(), HttpSender())


async def test_a_connection_becomes_its_connector() -> None:
    http = GuardedHttpClient()
    made = build_connector(connection(zone="America/Chicago", settle_after=Number("90.5")), outside(http))
    assert isinstance(made, RemoteConnector)
    assert ("imis", "America/Chicago", 90.5) == (made.name, made.zone, made.settle_after)
    await made.close()
    await http.close()


@pytest.mark.parametrize(
    ("settings", "path"),
    [({"username": ""}, "username"), ({"client_id": "a"}, "client_secret"), ({"settle_after": 30}, "settle_after")],
)  # fmt: skip
def test_settings_that_do_not_fit_together_are_named(settings: dict[str, JSON], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        build_connector(connection(**settings), outside(GuardedHttpClient()))
    assert (path,) in [problem.path for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("host", "networks", "told"),
    [
        ("127.0.0.1:8090", [], "put 127.0.0.1/32"),
        ("[::1]", [], "put ::1/128"),
        ("10.1.2.3", ["10.2.0.0/16"], "put 10.1.2.3/32"),
        ("169.254.169.254", ["169.254.0.0/16"], "credentials"),
        ("127.1", ["127.0.0.0/8"], "unusual way"),
    ],
)
def test_an_address_that_may_not_be_called_is_refused_at_the_url(
    host: str, networks: list[JSON], told: str
) -> None:
    settings = connection(url=f"http://{host}/imis", networks=networks)
    with pytest.raises(Invalid) as refused:
        build_connector(settings, outside(GuardedHttpClient()))
    [problem] = refused.value.problems
    assert ("url",) == problem.path
    assert told in problem.message


def test_every_room_is_in_the_catalogue_and_says_what_its_settings_are_for() -> None:
    assert set(ROOMS) == set(CATALOGUE)
    assert all(setting.help for settings in CATALOGUE.values() for setting in settings)
