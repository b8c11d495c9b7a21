"""Settings from everywhere, broken ones too, and what the doctor says of a station that is not well."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.command_line import heard, here
from tests.support.station import apply, command, told
from tests.support.webhooks import webhook


def settings(data: Path, **variables: str) -> dict[str, Any]:
    """The effective settings by name, whatever the exit code."""
    ended = here("settings", "--json", "--data", data, **variables)
    return {one["name"]: one for one in json.loads(ended.stdout)["items"]} | {"exit": ended.exit_code}


def findings(ended: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What the doctor found wrong."""
    assert 1 == ended.returncode, ended.stderr
    return {one["what"]: one["detail"] for one in json.loads(ended.stdout)["items"] if not one["well"]}


def test_an_option_goes_before_the_environment_before_the_file_before_the_default(tmp_path: Path) -> None:
    (tmp_path / "hookstation.toml").write_text('port = 8181\nhost = "127.0.0.2"\n')
    found = settings(tmp_path, HOOKSTATION_PORT="8182", HOOKSTATION_DATA="elsewhere")
    assert (0, str(tmp_path), "option") == (found["exit"], found["data"]["value"], found["data"]["source"])
    assert (8182, "environment") == (found["port"]["value"], found["port"]["source"])
    assert ("127.0.0.2", "file") == (found["host"]["value"], found["host"]["source"])
    assert ("info", "default") == (found["log_level"]["value"], found["log_level"]["source"])


def test_broken_settings_are_shown_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "hookstation.toml").write_text('port = "eighty"\nhost = ""\nlog_level = "loud"\nbogus = 1\n')
    found = settings(tmp_path, HOOKSTATION_MASTER_KEY="short", HOOKSTATION_PUBLIC_URL="station.example")
    broken = {name: one["problem"] for name, one in found.items() if name != "exit" and one["problem"]}
    assert 1 == found["exit"]
    assert {"data", "port", "host", "log_level", "master_key", "public_url"} == set(broken)
    assert "“bogus” is not a setting" in broken["data"]
    assert "eighty" == found["port"]["value"]


def test_secrets_in_settings_are_masked(tmp_path: Path) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    url = "postgresql://station:p@ss/word@db.example/journal"
    ended = command("settings", "--data", tmp_path, HOOKSTATION_MASTER_KEY=key, HOOKSTATION_DATABASE_URL=url)
    assert (False, False) == (key in ended.stdout, "p@ss" in ended.stdout)
    assert "postgresql://station:********@db.example/journal" in ended.stdout


def test_a_broken_setting_stops_every_other_command_with_the_same_words(tmp_path: Path) -> None:
    ended = command("webhooks", "list", "--data", tmp_path, HOOKSTATION_PORT="eighty")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert "error: port: must be a whole number, but is “eighty”.\n" == ended.stderr


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "hookstation.toml").write_text("port = [")
    assert "cannot be read" in settings(tmp_path)["data"]["problem"]


def test_the_doctor_tells_broken_settings_too(tmp_path: Path) -> None:
    examined = command("doctor", "--json", "--data", tmp_path, HOOKSTATION_PORT="eighty")
    assert {"settings": "port: must be a whole number, but is “eighty”."} == findings(examined)


def test_the_doctor_finds_a_healthy_station_well(tmp_path: Path) -> None:
    assert 0 == command("migrate", "--data", tmp_path / "data").returncode
    found = told("doctor", "--data", tmp_path / "data")
    what = {"settings", "data folder", "master key", "database", "webhooks", "connection records"}
    assert (True, what) == (
        found["well"],
        {one["what"] for one in found["items"]},
    )


def test_the_doctor_makes_nothing_of_what_it_looks_at(tmp_path: Path) -> None:
    found = heard("doctor", "--data", tmp_path / "data")
    assert (True, ["settings", "data folder", "database"]) == (
        found["well"],
        [one["what"] for one in found["items"]],
    )
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir(mode=0o700)
    assert heard("doctor", "--data", tmp_path / "data")["well"]
    assert [] == [*(tmp_path / "data").iterdir()]


def test_the_doctor_says_how_many_webhooks_are_open_to_all(tmp_path: Path) -> None:
    open_ones: list[object] = [webhook(f"open-{number}") for number in range(7)]
    apply(tmp_path / "data", {"version": 1, "webhooks": open_ones})
    [told_of] = [
        one["detail"]
        for one in heard("doctor", "--data", tmp_path / "data")["items"]
        if one["what"] == "webhooks"
    ]
    names = ", ".join(f"open-{number}" for number in range(5))
    assert f"7 webhooks; without authentication: {names} and 2 more" == told_of


def test_the_doctor_finds_open_folders_open_keys_and_a_certificate_without_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert 0 == command("migrate", "--data", data).returncode
    data.chmod(0o777)
    (data / "master.key").chmod(0o644)
    (data / "hookstation.toml").write_text(f'tls_cert = "{data / "none.pem"}"\n')
    wrong = findings(command("doctor", "--json", "--data", data))
    assert {"data folder", "master key", "certificate"} == set(wrong)
    assert f"chmod 700 {data}" in wrong["data folder"]
    assert f"chmod 600 {data / 'master.key'}" in wrong["master key"]


def test_the_doctor_finds_another_key_and_a_database_that_is_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert 0 == command("migrate", "--data", data).returncode
    (data / "master.key").write_text(base64.b64encode(b"k" * 32).decode())
    assert "is not the one" in findings(command("doctor", "--json", "--data", data))["database"]
    (data / "master.key").unlink()
    assert "is missing" in findings(command("doctor", "--json", "--data", data))["database"]
    (data / "hookstation.db").write_bytes(b"no database at all " * 400)
    assert "damaged" in findings(command("doctor", "--json", "--data", data))["database"]


def test_a_data_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = command("migrate", "--data", tmp_path / "file" / "data")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert "Traceback" not in ended.stderr
    assert str(tmp_path / "file" / "data") in ended.stderr
