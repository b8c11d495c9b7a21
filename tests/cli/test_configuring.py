"""plan, apply, export and what is listed of it, as a person uses them: real files, real commands, no server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import here
from tests.support.station import command, told

CONFIG = """\
version: 1
connections:
  - name: imis
    type: imis
    url: http://127.0.0.1:9
    networks: [127.0.0.0/8]
    username: manager
    password: "${env:IMIS_PASSWORD}"
webhooks:
  - name: courses
    authentication: {type: token, header: X-Token, secret: "${file:token.txt}"}
    schema: {type: object, properties: {memberId: {type: string}}, required: [memberId]}
    action:
      type: insert_activity
      connection: records
      fields: {ActivityType: TEST, ID: $$memberId$$}
"""
PASSWORD = {"IMIS_PASSWORD": "the password of a test"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the configuration above, applied to the data folder in it."""
    here = tmp_path_factory.mktemp("configuring")
    (here / "config.yaml").write_text(CONFIG)
    (here / "token.txt").write_text("the token of a test\n")
    applied = command("apply", here / "config.yaml", "--yes", "--data", here / "data", **PASSWORD)
    assert (0, "+ connection imis\n+ webhook courses\n") == (applied.returncode, applied.stdout)
    return here


def changed(folder: Path, was: str, becomes: str) -> Path:
    """The configuration with one change, in a file beside it."""
    file = folder / "changed.yaml"
    file.write_text(CONFIG.replace(was, becomes))
    return file


def test_a_plan_shows_what_would_change_and_changes_nothing(folder: Path) -> None:
    file = changed(folder, "ActivityType: TEST", "ActivityType: OTHER")
    planned = command("plan", file, "--data", folder / "data", **PASSWORD)
    assert "  connection imis\n~ webhook courses: action.fields.ActivityType\n" == planned.stdout
    assert "Would change: 1.\n" == planned.stderr
    again = told("plan", file, "--data", folder / "data", **PASSWORD)
    assert (1, []) == (again["changed"], again["problems"])


def test_a_reference_that_leads_nowhere_is_told_with_its_place(folder: Path) -> None:
    file = changed(folder, "token.txt", "nothing.txt")
    planned = command("plan", file, "--data", folder / "data")
    assert (1, "") == (planned.returncode, planned.stdout)
    first, second = planned.stderr.splitlines()
    assert first.startswith(
        f"error: {file}:8:5: connections.0.password: the environment variable IMIS_PASSWORD"
    )
    assert second.startswith(f"error: {file}:11:52: webhooks.0.authentication.secret: the secret's file ")


def test_nothing_of_a_file_with_an_error_is_applied(folder: Path) -> None:
    file = changed(folder, "$$memberId$$", "$$membrId$$")
    applied = command("apply", file, "--yes", "--json", "--data", folder / "data", **PASSWORD)
    assert 1 == applied.returncode
    document = json.loads(applied.stdout)
    assert ([], 0, ["/webhooks/0/action/fields/ID"]) == (
        document["changes"],
        document["changed"],
        [one["pointer"] for one in document["problems"]],
    )
    assert f"error: {file}:16:40: webhooks.0.action.fields.ID:" in applied.stderr
    assert "Did you mean “memberId”?" in applied.stderr
    assert applied.stderr.endswith("Nothing was applied.\n")


def test_whoever_reads_json_gets_a_document_when_it_fails_too(folder: Path) -> None:
    wrong, missing = changed(folder, "$$memberId$$", "$$membrId$$"), folder / "nothing.yaml"
    for file, pointer in ((wrong, "/webhooks/0/action/fields/ID"), (missing, "")):
        for words in (("plan",), ("apply", "--yes")):
            ended = here(*words, file, "--json", "--data", folder / "data", **PASSWORD)
            document = json.loads(ended.stdout)
            assert (1, [pointer]) == (ended.exit_code, [one["pointer"] for one in document["problems"]])
            assert {"changes", "problems", "changed"} == document.keys()
            assert "error: " in ended.stderr
    ended = here(
        "apply", wrong, "--yes", "--json", "--data", folder / "data", HOOKSTATION_PORT="eighty", **PASSWORD
    )
    assert (1, ["/port"]) == (
        ended.exit_code,
        [one["pointer"] for one in json.loads(ended.stdout)["problems"]],
    )


SENDING = """\
version: 1
destinations:
  - {name: crm, url: https://crm.example.org/hooks}
subscriptions:
  - {name: members, events: [record.*], destination: crm, condition: exists(fields.ID)}
"""


def test_a_secret_that_the_station_makes_is_told_once(tmp_path: Path) -> None:
    file, data = tmp_path / "sending.yaml", tmp_path / "data"
    file.write_text(SENDING)
    applied = here("apply", file, "--yes", "--data", data)
    first, second, secret = applied.stdout.splitlines()
    assert ("+ destination crm", "+ subscription members", "whsec_") == (first, second, secret[:6])
    assert "The destination crm signs with this secret" in applied.stderr
    again = here("apply", file, "--yes", "--data", data)
    assert "  destination crm\n  subscription members\n" == again.stdout
    assert "whsec_" not in here("export", "--data", data).stdout
    elsewhere = json.loads(here("apply", file, "--yes", "--json", "--data", tmp_path / "other").stdout)
    assert ["crm"] == [*elsewhere["secrets"]]


def test_a_mistake_in_a_condition_is_told_with_its_place_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "sending.yaml"
    file.write_text(SENDING.replace("exists(fields.ID)", "exist(fields.ID)"))
    planned = here("plan", file, "--data", tmp_path / "data")
    assert 1 == planned.exit_code
    assert f"error: {file}:5:70: subscriptions.0.condition: There is no function “exist”" in planned.stderr


def test_a_secret_in_the_file_itself_must_be_allowed(folder: Path) -> None:
    file = changed(folder, "${file:token.txt}", "in the clear")
    refused = command("plan", file, "--data", folder / "data", **PASSWORD)
    assert 1 == refused.returncode
    assert "--allow-literal-secrets" in refused.stderr
    assert "in the clear" not in refused.stderr
    allowed = command("plan", file, "--allow-literal-secrets", "--data", folder / "data", **PASSWORD)
    assert (0, True) == (allowed.returncode, "~ webhook courses" in allowed.stdout)


def test_without_a_terminal_and_without_yes_nothing_is_applied(folder: Path) -> None:
    applied = command("apply", folder / "config.yaml", "--data", folder / "data", **PASSWORD)
    assert (2, "") == (applied.returncode, applied.stdout)
    assert "--yes" in applied.stderr


def test_files_that_are_none_are_told_apart(folder: Path) -> None:
    (folder / "bytes").write_bytes(b"\x00\xff\xfe")
    told_of = [here("plan", folder / name, "--data", folder / "data") for name in ("nothing", "", "bytes")]
    assert [1, 1, 1] == [one.exit_code for one in told_of]
    assert ["cannot be read", "is a folder", "not UTF-8"] == [
        next(words for words in ("cannot be read", "is a folder", "not UTF-8") if words in one.stderr)
        for one in told_of
    ]


def test_what_is_exported_can_be_applied_elsewhere_with_its_secrets_set(folder: Path, tmp_path: Path) -> None:
    file = changed(folder, "${file:token.txt}", "in the clear")
    first = tmp_path / "first"
    applied = command("apply", file, "--yes", "--allow-literal-secrets", "--data", first, **PASSWORD)
    assert 0 == applied.returncode
    exported = command("export", "--out", tmp_path / "out", "--data", first)
    assert (0, "") == (exported.returncode, exported.stdout)
    text = (tmp_path / "out" / "hookstation.yaml").read_text()
    assert "in the clear" not in text + exported.stderr
    assert "${env:IMIS_PASSWORD}" in text
    variable = next(line for line in exported.stderr.splitlines() if "webhooks.0" in line).split(": set ")[1]
    secrets = {**PASSWORD, variable.split()[0]: "in the clear"}
    file = tmp_path / "out" / "hookstation.yaml"
    assert 0 == command("apply", file, "--yes", "--data", tmp_path / "second", **secrets).returncode
    assert text == command("export", "--data", tmp_path / "second").stdout
    as_json = told("export", "--data", tmp_path / "second")
    assert "in the clear" not in json.dumps(as_json)
    (tmp_path / "exported.json").write_text(json.dumps(as_json))
    again = told("plan", tmp_path / "exported.json", "--prune", "--data", tmp_path / "second", **secrets)
    assert (0, {"keep"}) == (again["changed"], {one["verb"] for one in again["changes"]})


def test_a_webhook_that_is_deleted_is_named(tmp_path: Path, folder: Path) -> None:
    data = tmp_path / "data"
    assert 0 == command("apply", folder / "config.yaml", "--yes", "--data", data, **PASSWORD).returncode
    assert {"deleted": "courses"} == told("webhooks", "delete", "courses", "--data", data)
    assert [] == told("webhooks", "list", "--data", data)["items"]


def test_prune_removes_what_the_files_do_not_name(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty.yaml").write_text("version: 1\n")
    kept = told("plan", tmp_path / "empty.yaml", "--data", folder / "data")
    assert 0 == kept["changed"]
    pruned = command("plan", tmp_path / "empty.yaml", "--prune", "--data", folder / "data")
    assert "- webhook courses\n- connection imis\n" == pruned.stdout


def test_what_is_configured_is_shown_without_its_secrets(folder: Path) -> None:
    shown = told("webhooks", "show", "courses", "--data", folder / "data")
    assert {"type": "token", "header": "X-Token", "secret": "${file:token.txt}"} == shown["authentication"]
    listed = command("connections", "list", "--json", "--data", folder / "data")
    assert (0, False) == (listed.returncode, PASSWORD["IMIS_PASSWORD"] in listed.stdout)


def test_a_target_that_is_not_there_fails_its_check_and_the_doctor(folder: Path) -> None:
    checked = command("connections", "check", "imis", "--data", folder / "data")
    assert (1, "") == (checked.returncode, checked.stdout)
    assert "cannot be reached" in checked.stderr
    examined = command("doctor", "--json", "--data", folder / "data")
    wrong = [one["what"] for one in json.loads(examined.stdout)["items"] if not one["well"]]
    assert (1, ["connection imis"]) == (examined.returncode, wrong)
