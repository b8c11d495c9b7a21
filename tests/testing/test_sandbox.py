"""The sandbox over real HTTP: the token, and every route of the interface."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hookstation.testing.sandbox import Sandbox, Settings, running_sandbox
from tests.testing.sandbox_client import (
    GENERIC,
    Client,
    activity,
    identity,
    key_of,
    properties,
    row,
    typed,
    values_of,
)


class TestToken:
    async def test_right_credentials_get_a_bearer_token_with_its_life(self, stranger: Client) -> None:
        granted = await stranger.log_in()

        assert granted.status == 200
        assert granted.document["token_type"] == "bearer"
        assert granted.document["expires_in"] == 1200
        assert granted.document["userName"] == "manager"

    async def test_wrong_password_is_invalid_grant(self, stranger: Client) -> None:
        refused = await stranger.log_in("wrong")

        assert (refused.status, refused.document["error"]) == (400, "invalid_grant")

    async def test_refresh_token_of_the_app_gets_a_token(self, stranger: Client) -> None:
        granted = await stranger.grant(
            grant_type="refresh_token",
            client_id="sandbox-app",
            client_secret="sandbox-secret",
            refresh_token="sandbox-refresh",
        )

        assert granted.status == 200

    async def test_wrong_client_secret_is_invalid_grant(self, stranger: Client) -> None:
        refused = await stranger.grant(
            grant_type="refresh_token",
            client_id="sandbox-app",
            client_secret="x",
            refresh_token="sandbox-refresh",
        )

        assert (refused.status, refused.document["error"]) == (400, "invalid_grant")

    async def test_other_grants_are_refused(self, stranger: Client) -> None:
        refused = await stranger.grant(grant_type="implicit")

        assert (refused.status, refused.document["error"]) == (400, "unsupported_grant_type")

    async def test_json_is_no_token_request(self, stranger: Client) -> None:
        refused = await stranger.call("POST", "/token", {"grant_type": "password"})

        assert (refused.status, refused.document["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize("token", ["", "made-up"])
    async def test_absent_or_foreign_token_is_401(self, stranger: Client, token: str) -> None:
        stranger.token = token

        assert (await stranger.find("Activity")).status == 401

    async def test_expired_token_is_401(self, stranger: Client) -> None:
        await stranger.call("PUT", "/_sandbox/settings", {"token_life": 0})
        await stranger.log_in()

        assert (await stranger.find("Activity")).status == 401


class TestFieldLists:
    async def test_definitions_are_listed_in_a_page(self, client: Client) -> None:
        listed = await client.call("GET", "/api/BOEntityDefinition", limit="500")

        names = [item["EntityTypeName"] for item in listed.items]
        assert {"Activity", "ABC_Courses", "ABC_Certificates", "ABC_Orders"} <= set(names)
        assert listed.document["TotalCount"] == len(names)

    async def test_definition_says_kind_parent_and_fields(self, client: Client) -> None:
        found = (await client.call("GET", "/api/BOEntityDefinition/ABC_Courses")).document

        assert (found["ObjectTypeName"], found["PrimaryParentEntityTypeName"]) == ("Multi", "Party")
        fields = {each["Name"]: each for each in found["Properties"]["$values"]}
        assert list(fields) == ["ID", "Ordinal", "CourseCode", "Grade", "CompletedOn", "Credits", "Note"]
        assert fields["CourseCode"]["MaxLength"] == 20
        assert fields["CourseCode"]["Required"] is True
        assert "Required" not in fields["Grade"]
        assert fields["Ordinal"]["IsIdentity"] is True
        assert [fields[n]["PropertyTypeName"] for n in ("CompletedOn", "Credits")] == ["Date", "Decimal"]

    async def test_a_value_list_stands_in_the_rule(self, client: Client) -> None:
        found = (await client.call("GET", "/api/metadata/ABC_Certificates")).document

        level = next(each for each in found["Properties"]["$values"] if each["Name"] == "Level")
        allowed = [each["Value"] for each in level["Rule"]["ValueList"]["$values"]]
        assert allowed == ["bronze", "silver", "gold"]

    async def test_activity_has_the_columns_of_its_table(self, client: Client) -> None:
        found = (await client.call("GET", "/api/BOEntityDefinition/Activity")).document

        lengths = {each["Name"]: each.get("MaxLength") for each in found["Properties"]["$values"]}
        assert len(lengths) == 44
        assert {"PartyId": 10, "SOURCE_CODE": 40, "UF_1": 255, "NOTE": -1}.items() <= lengths.items()

    async def test_metadata_is_not_there_for_some(self, client: Client) -> None:
        assert (await client.call("GET", "/api/metadata/ABC_Orders")).status == 501
        assert (await client.call("GET", "/api/metadata/Activity")).status == 200

    async def test_unknown_definition_is_404_and_unknown_entity_501(self, client: Client) -> None:
        assert (await client.call("GET", "/api/BOEntityDefinition/Nope")).status == 404
        assert (await client.find("Nope")).status == 501


class TestActivity:
    async def test_add_gives_a_sequence_number_and_keeps_typed_values(self, client: Client) -> None:
        sent = activity(
            TRANSACTION_DATE=typed("System.DateTime", "2026-11-22T09:30:00"),
            AMOUNT=typed("System.Decimal", 19.5),
            RECURRING_REQUEST=typed("System.Boolean", True),
            GRACE_PERIOD=typed("System.Int32", 3),
            NOTE=None,
        )

        added = await client.add("Activity", sent)

        assert (added.status, key_of(added.document)) == (201, ["1"])
        assert next(iter(added.document)) == "$type"
        assert values_of(added.document)["AMOUNT"] == {"$type": "System.Decimal", "$value": 19.5}
        assert client.sandbox.rows("Activity") == [
            {
                "SEQN": 1,
                "PartyId": "10420",
                "ACTIVITY_TYPE": "TEST",
                "TRANSACTION_DATE": "2026-11-22T09:30:00",
                "AMOUNT": Decimal("19.5"),
                "RECURRING_REQUEST": True,
                "GRACE_PERIOD": 3,
            }
        ]

    async def test_decimals_keep_the_digits_that_were_sent(self, client: Client) -> None:
        body = b'{"$type": "System.Decimal", "$value": 19.90}'
        envelope = str(activity(AMOUNT="HERE")).replace("'", '"').replace('"HERE"', body.decode())
        url = client.sandbox.url + "/api/Activity"
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}

        async with client.session.post(url, data=envelope, headers=headers) as answer:
            assert b'"$value":19.90}' in await answer.read()

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"Nope": "x"}, "Nope: there is no such property."),
            ({"ID": "10420"}, "ID: there is no such property."),
            ({"ACTIVITY_TYPE": "ELEVENCHARS"}, "ACTIVITY_TYPE: 11 characters, at most 10 are allowed."),
            ({"ACTIVITY_TYPE": None}, "ACTIVITY_TYPE: a value is required."),
            ({"PartyId": ""}, "PartyId: a value is required."),
            ({"SEQN": {"$type": "System.Int32", "$value": 1}}, "SEQN: the system gives this value."),
            ({"NOTE": {"$type": "System.Int32", "$value": 1}}, "NOTE: a bare string is expected."),
            (
                {"GRACE_PERIOD": {"$type": "System.Int32", "$value": 2**31}},
                "GRACE_PERIOD: the value is no Integer.",
            ),
            (
                {"GRACE_PERIOD": {"$type": "System.Int32", "$value": True}},
                "GRACE_PERIOD: the value is no Integer.",
            ),
            (
                {"AMOUNT": 3},
                'AMOUNT: {"$type": "System.Decimal", "$value": ...} is expected.',
            ),
            (
                {"QUANTITY": {"$type": "System.Decimal", "$value": 1.234}},
                "QUANTITY: at most 2 digits may stand after the point.",
            ),
            (
                {"QUANTITY": {"$type": "System.Decimal", "$value": 1e13}},
                "QUANTITY: at most 13 digits may stand before the point.",
            ),
            (
                {"UF_6": {"$type": "System.DateTime", "$value": "2026-11-22T09:30:00Z"}},
                "UF_6: a local time without zone is expected, 2026-11-22T09:30:00.",
            ),
            (
                {"UF_6": {"$type": "System.DateTime", "$value": "2026-02-30"}},
                "UF_6: 2026-02-30 is on no calendar.",
            ),
            (
                {"UF_6": {"$type": "System.DateTime", "$value": "1700-01-01"}},
                "UF_6: no day before 1753 can be stored.",
            ),
        ],
    )
    async def test_a_wrong_value_is_a_validation_error_that_names_it(
        self, client: Client, values: dict[str, object], message: str
    ) -> None:
        answer = await client.add("Activity", activity(**values))

        assert (answer.status, answer.errors) == (400, [message])

    async def test_all_faults_are_told_at_once_with_warnings_and_summary(self, client: Client) -> None:
        answer = await client.add("Activity", activity(Nope="x", STATUS_CODE="AB"))

        assert answer.errors == [
            "Nope: there is no such property.",
            "STATUS_CODE: 2 characters, at most 1 are allowed.",
        ]
        assert answer.document["Summary"] == "Validation error: 2 found."
        assert answer.document["Warnings"]["$values"] == []

    async def test_activities_are_create_only(self, client: Client) -> None:
        await client.add("Activity", activity())

        assert (await client.call("PUT", "/api/Activity/1", activity())).status == 501
        assert (await client.call("DELETE", "/api/Activity/1")).status == 501

    async def test_the_other_dialect_calls_the_party_id(self, client: Client) -> None:
        await client.add("Activity", activity())
        await client.call("PUT", "/_sandbox/settings", {"party_property": "ID"})

        assert (await client.add("Activity", activity())).errors[0] == "PartyId: there is no such property."
        assert [found["ID"] for found in client.sandbox.rows("Activity")] == ["10420"]
        assert len((await client.find("Activity", ID="10420")).items) == 1


class TestEnvelope:
    @pytest.mark.parametrize(
        ("envelope", "message"),
        [
            ({"EntityTypeName": "Activity"}, "body: $type has to be the first key of every object."),
            ({"$type": "Other", "Properties": properties({})}, f"$type: “{GENERIC}” is expected."),
            (
                activity(NOTE={"$value": "x", "$type": "System.String"}),
                "body.Properties.$values[2].Value: $type has to be the first key of every object.",
            ),
            (activity() | {"EntityTypeName": "Other"}, "EntityTypeName: “Activity” is expected."),
            (
                activity() | {"Properties": None},
                "Properties: a GenericPropertyDataCollection with $values is expected.",
            ),
            (
                activity() | {"Identity": identity("Other")},
                "Identity: an IdentityData of Activity is expected.",
            ),
            (
                activity() | {"Identity": identity("Activity", "7")},
                "Identity: IdentityElements are given by the system and not sent in an insert.",
            ),
        ],
    )
    async def test_a_wrong_envelope_is_a_validation_error(
        self, client: Client, envelope: dict[str, object], message: str
    ) -> None:
        answer = await client.add("Activity", envelope)

        assert answer.status == 400
        assert message in answer.errors

    async def test_a_property_sent_twice_is_refused(self, client: Client) -> None:
        envelope = activity()
        collection = properties({"NOTE": "a"})
        collection["$values"] = [*properties({"NOTE": "a"})["$values"], *collection["$values"]]  # type: ignore[misc]

        answer = await client.add("Activity", envelope | {"Properties": collection})

        assert answer.errors == ["NOTE: the property is sent twice."]

    async def test_what_is_no_json_is_400(self, client: Client) -> None:
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
        async with client.session.post(
            client.sandbox.url + "/api/Activity", data="{", headers=headers
        ) as answer:
            assert answer.status == 400

    async def test_a_body_that_does_not_say_that_it_is_json_is_415(self, client: Client) -> None:
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "text/plain"}
        url = client.sandbox.url + "/api/Activity"
        async with client.session.post(url, data="{}", headers=headers) as answer:
            assert answer.status == 415


class TestPanel:
    async def test_rows_of_a_party_are_numbered_from_one(self, client: Client) -> None:
        keys = [
            key_of((await client.add("ABC_Courses", row("ABC_Courses", party, CourseCode="X1"))).document)
            for party in ("10001", "10001", "10002")
        ]

        assert keys == [["10001", "1"], ["10001", "2"], ["10002", "1"]]

    async def test_a_row_needs_its_party(self, client: Client) -> None:
        envelope = row("ABC_Courses", "10001", CourseCode="X1") | {"PrimaryParentIdentity": identity("Party")}

        answer = await client.add("ABC_Courses", envelope)

        assert answer.errors == ["PrimaryParentIdentity: IdentityElements with one party id is expected."]

    async def test_the_party_may_not_be_two(self, client: Client) -> None:
        answer = await client.add("ABC_Courses", row("ABC_Courses", "10001", CourseCode="X1", ID="10002"))

        assert answer.errors == ["ID: PrimaryParentIdentity names another party."]

    async def test_a_missing_required_value_is_named(self, client: Client) -> None:
        answer = await client.add("ABC_Courses", row("ABC_Courses", "10001"))

        assert answer.errors == ["CourseCode: a value is required."]

    async def test_a_second_row_of_a_single_panel_is_409(self, client: Client) -> None:
        envelope = row("ABC_Certificates", "10001", Certificate="Gold")

        statuses = [(await client.add("ABC_Certificates", envelope)).status for _ in range(2)]

        assert statuses == [201, 409]

    async def test_value_lists_and_binary_are_checked(self, client: Client) -> None:
        scan = typed("System.Byte[], mscorlib", "no base64!")
        envelope = row("ABC_Certificates", "10001", Certificate="C", Level="lead", Scan=scan)

        answer = await client.add("ABC_Certificates", envelope)

        assert answer.errors == ["Level: allowed are bronze, silver, gold.", "Scan: base64 is expected."]

    async def test_a_standalone_panel_hangs_on_nothing(self, client: Client) -> None:
        added = await client.add("ABC_Orders", row("ABC_Orders", "", OrderNumber="1001"))
        hung = row("ABC_Orders", "", OrderNumber="1002")
        hung["PrimaryParentIdentity"] = identity("Standalone", "10001")

        assert key_of(added.document) == ["1"]
        assert "IdentityElements" not in added.document["PrimaryParentIdentity"]
        assert (await client.add("ABC_Orders", hung)).errors == [
            "PrimaryParentIdentity: a standalone panel has no IdentityElements."
        ]

    async def test_unknown_parties_are_refused_only_where_strict(self, client: Client) -> None:
        envelope = row("ABC_Courses", "77", CourseCode="X1")
        loose = await client.add("ABC_Courses", envelope)
        await client.call("PUT", "/_sandbox/settings", {"strict_parties": True})
        strict = await client.add("ABC_Courses", envelope)
        seeded = await client.add("ABC_Courses", row("ABC_Courses", "10500", CourseCode="X1"))

        assert (loose.status, seeded.status) == (201, 201)
        assert strict.errors == ["ID: there is no party 77."]

    async def test_a_row_is_read_by_its_composite_id(self, client: Client) -> None:
        await client.add("ABC_Courses", row("ABC_Courses", "10001", CourseCode="X1"))

        by_path = await client.call("GET", "/api/ABC_Courses/~10001|1")
        by_query = await client.find("ABC_Courses", EntityId="~10001|1")

        assert by_path.document == by_query.document
        assert values_of(by_path.document)["CourseCode"] == "X1"
        assert (await client.call("GET", "/api/ABC_Courses/~10001|2")).status == 404

    async def test_get_change_put_whole(self, client: Client) -> None:
        await client.add("ABC_Courses", row("ABC_Courses", "10001", CourseCode="X1", Grade="C"))
        whole = (await client.call("GET", "/api/ABC_Courses/~10001|1")).document
        grade = next(each for each in whole["Properties"]["$values"] if each["Name"] == "Grade")
        grade["Value"] = "A"

        answer = await client.call("PUT", "/api/ABC_Courses/~10001|1", whole)

        assert (answer.status, values_of(answer.document)["Grade"]) == (200, "A")
        assert client.sandbox.rows("ABC_Courses") == [
            {"ID": "10001", "Ordinal": 1, "CourseCode": "X1", "Grade": "A"}
        ]

    async def test_put_of_key_and_changes_leaves_the_rest_alone(self, client: Client) -> None:
        await client.add("ABC_Courses", row("ABC_Courses", "10001", CourseCode="X1", Grade="C", Note="n"))
        ordinal = typed("System.Int32", 1)
        changes = row("ABC_Courses", "10001", "10001", "1", ID="10001", Ordinal=ordinal, Grade=None)

        answer = await client.call("PUT", "/api/ABC_Courses/~10001|1", changes)

        assert answer.status == 200
        assert client.sandbox.rows("ABC_Courses") == [
            {"ID": "10001", "Ordinal": 1, "CourseCode": "X1", "Note": "n"}
        ]

    @pytest.mark.parametrize(
        "changes",
        [
            row("ABC_Courses", "10001", "10001", "1", Grade="A"),
            row("ABC_Courses", "10001", ID="10001", Ordinal=typed("System.Int32", 1), Grade="A"),
            row(
                "ABC_Courses", "10001", "10001", "2", ID="10001", Ordinal=typed("System.Int32", 2), Grade="A"
            ),
        ],
        ids=["not as properties", "not in Identity", "another row's"],
    )
    async def test_put_without_its_own_key_is_refused(
        self, client: Client, changes: dict[str, object]
    ) -> None:
        await client.add("ABC_Courses", row("ABC_Courses", "10001", CourseCode="X1"))

        answer = await client.call("PUT", "/api/ABC_Courses/~10001|1", changes)

        assert answer.errors == ["Identity: the row's key has to stand in Identity and in ID and Ordinal."]

    async def test_put_may_not_clear_what_is_required(self, client: Client) -> None:
        await client.add("ABC_Certificates", row("ABC_Certificates", "10001", Certificate="C"))
        changes = row("ABC_Certificates", "10001", "10001", ID="10001", Certificate=None)

        answer = await client.call("PUT", "/api/ABC_Certificates/10001", changes)

        assert answer.errors == ["Certificate: a value is required."]

    async def test_delete_takes_the_row_away_for_good(self, client: Client) -> None:
        await client.add("ABC_Courses", row("ABC_Courses", "10001", CourseCode="X1"))
        await client.find("ABC_Courses", CourseCode="X1")

        assert (await client.call("DELETE", "/api/ABC_Courses/~10001|1")).status == 204
        assert (await client.call("DELETE", "/api/ABC_Courses/~10001|1")).status == 404
        assert (await client.find("ABC_Courses", CourseCode="X1")).items == []


class TestOperations:
    async def test_validate_saves_nothing(self, client: Client) -> None:
        right = await client.call("POST", "/api/Activity/_validate", activity())
        wrong = await client.call("POST", "/api/Activity/_validate", activity(Nope="x"))

        assert (right.status, right.document["IsValid"]) == (200, True)
        assert (wrong.status, wrong.document["IsValid"]) == (200, False)
        assert wrong.errors == ["Nope: there is no such property."]
        assert client.sandbox.rows("Activity") == []

    async def test_bulk_insert_adds_all_and_answers_their_keys(self, client: Client) -> None:
        answer = await client.call("POST", "/api/Activity/_bulkInsert", [activity(), activity()])

        keys = [each["IdentityElements"]["$values"] for each in answer.document["$values"]]
        assert (answer.status, keys) == (200, [["1"], ["2"]])

    async def test_bulk_insert_with_one_duplicate_adds_none(self, client: Client) -> None:
        envelope = row("ABC_Certificates", "10001", Certificate="C")

        answer = await client.call("POST", "/api/ABC_Certificates/_bulkInsert", [envelope, envelope])

        assert (answer.status, client.sandbox.rows("ABC_Certificates")) == (409, [])

    async def test_bulk_update_changes_all_or_none(self, client: Client) -> None:
        for party in ("10001", "10002"):
            await client.add("ABC_Certificates", row("ABC_Certificates", party, Certificate="C"))
        good = row("ABC_Certificates", "10001", "10001", ID="10001", Certificate="D")
        bad = row("ABC_Certificates", "10002", "10002", ID="10002", Certificate=None)

        refused = await client.call("POST", "/api/ABC_Certificates/_bulkUpdate", [good, bad])
        untouched = [found["Certificate"] for found in client.sandbox.rows("ABC_Certificates")]
        done = await client.call(
            "POST", "/api/ABC_Certificates/_bulkUpdate", {"$type": "x", "$values": [good]}
        )

        assert (refused.status, untouched, done.status) == (400, ["C", "C"], 204)
        assert [found["Certificate"] for found in client.sandbox.rows("ABC_Certificates")] == ["D", "C"]

    async def test_a_batch_is_a_list(self, client: Client) -> None:
        answer = await client.call("POST", "/api/Activity/_bulkInsert", activity())

        assert answer.errors == ["The body has to be a list of entities."]

    async def test_execute_is_not_implemented(self, client: Client) -> None:
        assert (await client.call("POST", "/api/Activity/_execute", {"$type": "x"})).status == 501


class TestFind:
    @pytest.fixture
    async def courses(self, client: Client) -> Client:
        for code, grade in (("X1", "pass"), ("X2", "fail"), ("Y1", "pass"), ("x1|Y", None)):
            await client.add("ABC_Courses", row("ABC_Courses", "10001", CourseCode=code, Grade=grade))
        return client

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"CourseCode": "X1"}, ["X1"]),
            ({"coursecode": "x1"}, ["X1"]),
            ({"CourseCode": "eq:X2"}, ["X2"]),
            ({"CourseCode": "Y1|X2"}, ["X2", "Y1"]),
            ({"CourseCode": "contains:1"}, ["X1", "Y1", "x1|Y"]),
            ({"CourseCode": "StartsWith:X"}, ["X1", "X2", "x1|Y"]),
            ({"CourseCode": "StartsWith:X", "Grade": "pass"}, ["X1"]),
            ({"CourseCode": "unknown:X1"}, []),
            ({"Grade": ""}, ["x1|Y"]),
            ({"ID": "10001", "Ordinal": "3"}, ["Y1"]),
            ({"ID": "10002"}, []),
            ({"orderby": "Grade desc, CourseCode"}, ["X1", "Y1", "X2", "x1|Y"]),
        ],
    )
    async def test_find_by_properties(self, courses: Client, query: dict[str, str], found: list[str]) -> None:
        answer = await courses.find("ABC_Courses", **query)

        assert [values_of(item)["CourseCode"] for item in answer.items] == found

    async def test_finds_stay_right_when_rows_change(self, courses: Client) -> None:
        await courses.find("ABC_Courses", Grade="pass")
        ordinal = typed("System.Int32", 2)
        changes = row("ABC_Courses", "10001", "10001", "2", ID="10001", Ordinal=ordinal, Grade="pass")
        await courses.call("PUT", "/api/ABC_Courses/~10001|2", changes)
        await courses.add("ABC_Courses", row("ABC_Courses", "10002", CourseCode="Z", Grade="pass"))

        found = await courses.find("ABC_Courses", Grade="pass")

        assert [values_of(item)["CourseCode"] for item in found.items] == ["X1", "X2", "Y1", "Z"]

    async def test_decimals_and_days_are_found_by_value(self, client: Client) -> None:
        credit, day = typed("System.Decimal", 2.50), typed("System.DateTime", "2026-11-22")
        await client.add(
            "ABC_Courses", row("ABC_Courses", "1", CourseCode="X", Credits=credit, CompletedOn=day)
        )

        assert len((await client.find("ABC_Courses", Credits="2.500")).items) == 1
        assert len((await client.find("ABC_Courses", CompletedOn="2026-11-22")).items) == 1
        assert (await client.find("ABC_Courses", Credits="two")).items == []

    async def test_unknown_property_or_order_is_refused(self, client: Client) -> None:
        assert (await client.find("ABC_Courses", Nope="1")).status == 400
        assert (await client.find("ABC_Courses", orderby="Nope")).status == 400

    async def test_pages_of_100_lead_to_the_end(self, client: Client) -> None:
        first = await client.find("Party")
        last = await client.find("Party", offset="400")

        assert (len(first.items), first.document["TotalCount"]) == (100, 500)
        assert (first.document["HasNext"], first.document["NextOffset"]) == (True, 100)
        assert (last.document["HasNext"], last.document["NextOffset"]) == (False, 0)

    async def test_a_page_never_has_more_than_the_site_allows(self, client: Client) -> None:
        all_of_them = await client.find("Party", limit="1000")
        await client.call("PUT", "/_sandbox/settings", {"largest_page": 20})
        few = await client.find("Party", limit="1000")

        assert (all_of_them.document["Limit"], few.document["Limit"]) == (500, 20)
        assert (len(all_of_them.items), len(few.items)) == (500, 20)

    @pytest.mark.parametrize("paging", [{"limit": "0"}, {"limit": "many"}, {"offset": "-1"}])
    async def test_paging_that_is_no_number_is_400(self, client: Client, paging: dict[str, str]) -> None:
        assert (await client.find("Party", **paging)).status == 400


class TestQueriesAndPeople:
    async def test_query_gives_flat_rows(self, client: Client) -> None:
        await client.add("Activity", activity(SOURCE_CODE="E1"))

        answer = await client.call(
            "GET", "/api/query", queryname="$/Sandbox/Activity", limit="10", offset="0"
        )

        assert (answer.items[0]["PartyId"], answer.items[0]["SOURCE_CODE"]) == ("10420", "E1")
        assert answer.document["TotalCount"] == 1

    async def test_iqa_leaves_out_the_value_of_what_is_empty(self, client: Client) -> None:
        await client.add("Activity", activity())

        answer = await client.call("GET", "/api/iqa", queryname="$/Sandbox/Activity")

        shown = {each["Name"]: each for each in answer.items[0]["Properties"]["$values"]}
        assert shown["ACTIVITY_TYPE"]["Value"] == "TEST"
        assert "Value" not in shown["NOTE"]

    async def test_unknown_query_is_404(self, client: Client) -> None:
        assert (await client.call("GET", "/api/query", queryname="$/Nope")).status == 404

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ({"id": "10001"}, ["10001"]),
            ({"PartyId": "10002"}, ["10002"]),
            ({"email": "ada.abbott@example.org"}, ["10001"]),
            ({"email": "family@example.org"}, ["10499", "10500"]),
            ({"firstname": "Ben", "lastname": "Abbott"}, ["10002"]),
            ({"email": "nobody@example.org"}, []),
        ],
    )
    async def test_people_are_found(self, client: Client, query: dict[str, str], ids: list[str]) -> None:
        assert [person["PartyId"] for person in (await client.find("Party", **query)).items] == ids

    @pytest.mark.parametrize("name", ["Party", "CsContactBasic"])
    async def test_people_are_read_only(self, client: Client, name: str) -> None:
        assert (await client.call("DELETE", f"/api/{name}/10001")).status == 501
        assert (await client.add(name, row(name, "10001"))).status == 501

    async def test_contact_is_found_by_its_major_key(self, client: Client) -> None:
        found = await client.find("CsContactBasic", MajorKey="M-10003")

        assert [values_of(item)["ID"] for item in found.items] == ["10003"]


async def test_a_sandbox_can_be_built_with_other_settings() -> None:
    """`running_sandbox` takes the settings that a reset goes back to."""
    async with running_sandbox(settings=Settings(strict_parties=True)) as sandbox:
        sandbox.state.reset()

        assert sandbox.state.settings.strict_parties


async def test_a_taken_port_is_told(sandbox: Sandbox) -> None:
    """A second sandbox on the same port raises with the port in the message."""
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(Exception, match=f"cannot listen on 127.0.0.1 port {port}"):
        async with running_sandbox(port):
            raise AssertionError("it listened")
