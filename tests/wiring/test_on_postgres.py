"""Commands and servers on PostgreSQL: no folder is held, several nodes work on one database, each in its role."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from hookstation.adapters.store.postgres.migrations import known_number
from tests.support.cluster import new_master_key
from tests.support.command_line import heard, here
from tests.support.postgres import Given, Server, new_database
from tests.support.program import Program, start
from tests.support.station import until
from tests.support.webhooks import webhook
from tests.support.wire import ask

BODY = json.dumps({"memberId": "10420", "amount": 1})


@contextlib.contextmanager
def serving(data: Path, shared: Mapping[str, str], *words: str) -> Iterator[Program]:
    """A node on a data folder of its own, from its ready line on until the block ends."""
    log = data.with_name(f"{data.name}.log")
    program = start(log, "serve", "--port", "0", "--data", data, *words, variables=shared)
    try:
        program.ready()
        yield program
    finally:
        program.close()


def apply(data: Path, shared: Mapping[str, str], **more: object) -> None:
    """Apply a webhook as a person would."""
    file = data.with_name(f"{data.name}.json")
    file.write_text(json.dumps({"version": 1, "webhooks": [webhook("courses", **more)]}))
    ended = here("apply", file, "--yes", "--data", data, **shared)
    assert 0 == ended.exit_code, ended.stderr


def pauses(url: str) -> bool | None:
    """Whether a webhook is paused."""
    return ask(url, BODY).status == 503 or None


def test_commands_read_and_write_without_a_server_and_make_no_folder(
    tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """They open the database themselves; the data folder is not even made."""
    data = tmp_path / "data"
    apply(data, shared)
    assert ["courses"] == [
        one["name"] for one in heard("webhooks", "list", "--data", data, **shared)["items"]
    ]
    url = shared["HOOKSTATION_DATABASE_URL"]
    key = {"HOOKSTATION_MASTER_KEY": shared["HOOKSTATION_MASTER_KEY"]}
    assert [] == heard("events", "list", "--database-url", url, "--data", data, **key)["items"]
    assert not data.exists()


def test_a_command_beside_the_nodes_changes_all_of_them(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """A command with a folder of its own opens the database while nodes run, and what it changed is live on them."""
    apply(tmp_path / "mine", shared)
    [hook] = heard("webhooks", "list", "--data", tmp_path / "mine", **shared)["items"]
    with serving(tmp_path / "one", shared) as one, serving(tmp_path / "two", shared) as two:
        assert [200, 200] == [ask(node.url + hook["path"], BODY).status for node in (one, two)]
        seen = heard("nodes", "list", "--data", tmp_path / "mine", **shared)["items"]
        assert {(one.url, "all"), (two.url, "all")} == {(node["address"], node["role"]) for node in seen}
        assert {"id", "role", "address", "version", "started_at", "seen_at"} == set(seen[0])
        assert 2 == len(heard("events", "list", "--data", tmp_path / "mine", **shared)["items"])
        apply(tmp_path / "mine", shared, state="paused")
        for node in (one, two):
            until(partial(pauses, node.url + hook["path"]))
        assert [0, 0] == [one.end(), two.end()]
        table = here("nodes", "list", "--data", tmp_path / "mine", **shared)
    assert [] == heard("nodes", "list", "--data", tmp_path / "mine", **shared)["items"]
    assert (0, "", True) == (table.exit_code, table.stdout, "No node is alive" in table.stderr)


def test_a_command_in_the_folder_of_a_node_goes_through_it(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """So it needs no key: one with a wrong key still reaches the node, and is refused elsewhere."""
    data, wrong = tmp_path / "data", {**shared, "HOOKSTATION_MASTER_KEY": new_master_key()}
    with serving(data, shared):
        assert [] == heard("webhooks", "list", "--data", data, **wrong)["items"]
        elsewhere = here("webhooks", "list", "--data", tmp_path / "other", **wrong)
        assert (1, True) == (elsewhere.exit_code, "is not the one" in elsewhere.stderr)


def test_a_node_leaves_the_channel_of_another_one_alone(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """Two nodes share a folder: the last one that started is reached, also when the first one has ended."""
    data, wrong = tmp_path / "data", {**shared, "HOOKSTATION_MASTER_KEY": new_master_key()}
    with serving(data, shared) as first, serving(data, shared) as second:
        assert 0 == first.end()
        assert [] == heard("webhooks", "list", "--data", data, **wrong)["items"]
        assert 0 == second.end()
    assert not (data / "control.json").exists()


def test_a_worker_takes_no_calls_and_says_so(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """Calls of webhooks get 503 in the contract's shape; who watches the node is answered as everywhere."""
    apply(tmp_path / "mine", shared)
    [hook] = heard("webhooks", "list", "--data", tmp_path / "mine", **shared)["items"]
    with serving(tmp_path / "data", shared, "--role", "worker") as node:
        called = ask(node.url + hook["path"], BODY)
        assert (503, "1", False) == (called.status, called.headers["retry-after"], called.document["success"])
        assert "its role is worker" in called.document["error"]
        paths = (
            "/hooks/nothing",
            f"/hooks/runs/{'0' * 26}",
            "/healthz",
            "/readyz",
            "/readyz?calls",
            "/metrics",
        )
        assert [503, 503, 200, 200, 503, 200] == [ask(node.url + path, method="GET").status for path in paths]
        [seen] = heard("nodes", "list", "--data", tmp_path / "data", **shared)["items"]
        assert "worker" == seen["role"]


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", socket.gethostname())],
)
def test_nodes_that_share_a_public_url_are_told_apart(
    host: str, shown: str, tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """Each is listed with the address that it listens on itself, or with its machine's name where that is every one."""
    behind = {**shared, "HOOKSTATION_PUBLIC_URL": "https://hooks.example.org"}
    with serving(tmp_path / "data", behind, "--host", host) as node:
        [seen] = heard("nodes", "list", "--data", tmp_path / "data", **behind)["items"]
        assert f"http://{shown}:{node.url.rpartition(':')[2]}" == seen["address"]


def test_a_web_node_takes_calls(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """It answers with the outcome, and is listed in its role."""
    apply(tmp_path / "mine", shared)
    [hook] = heard("webhooks", "list", "--data", tmp_path / "mine", **shared)["items"]
    with serving(tmp_path / "data", shared, "--role", "web") as node:
        assert 200 == ask(node.url + hook["path"], BODY).status
        [seen] = heard("nodes", "list", "--data", tmp_path / "data", **shared)["items"]
        assert ("web", node.url) == (seen["role"], seen["address"])


def test_on_sqlite_there_is_one_role(tmp_path: Path) -> None:
    """A second process could not work on the same file, so a role that leaves work to it is refused."""
    ended = here("serve", "--role", "web", "--port", "0", "--data", tmp_path / "data")
    assert 1 == ended.exit_code
    assert "role: “web” is for several nodes on one database" in ended.stderr


async def test_migrate_says_from_where_to_where(
    postgres: Server | Given, tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """It needs no master key, and says so where there is nothing to do."""
    newest = known_number()
    async with new_database(postgres, "template0") as url:
        ended = start(tmp_path / "log", "migrate", "--json", "--database-url", url)
        assert {"database": url, "from": 0, "to": newest} == json.loads(ended.running.communicate()[0])
        assert f"{url}: schema 0 → {newest}." in (tmp_path / "log").read_text()
        again = start(tmp_path / "again", "migrate", "--database-url", url)
        assert "" == again.running.communicate()[0]
        assert (
            f"{url} is at this version, schema {newest}: nothing to do." in (tmp_path / "again").read_text()
        )


@pytest.mark.parametrize(("command", "program"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_backups_are_left_to_the_databases_own_programs(
    tmp_path: Path, shared: Mapping[str, str], command: str, program: str
) -> None:
    """The line to use is printed, and nothing is done."""
    (tmp_path / "file").write_text("a dump")
    ended = here(command, tmp_path / "file", "--data", tmp_path / "data", **shared)
    assert (1, "") == (ended.exit_code, ended.stdout)
    assert f"own program, {'also' if command == 'backup' else 'into'}" in ended.stderr
    assert f"{program} " in ended.stderr


@pytest.mark.parametrize(
    "words", [("settings",), ("doctor",), ("webhooks", "list"), ("migrate",), ("serve", "--port", "0")]
)
def test_no_command_shows_a_password(
    tmp_path: Path, shared: Mapping[str, str], words: tuple[str, ...]
) -> None:
    """Not where the settings are shown, and not where nobody listens at the address."""
    url = "postgresql://me:sesame@127.0.0.1:9/j?password=sesame"
    told = {**shared, "HOOKSTATION_DATABASE_URL": url, "HOOKSTATION_DATABASE_REPLICA_URL": url}
    ended = here(*words, "--data", tmp_path / "data", **told)
    assert "sesame" not in ended.output + ended.stderr
    assert ended.output + ended.stderr


def test_a_server_that_cannot_be_reached_is_told_in_a_sentence(
    tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """What was tried and what to do, without a traceback."""
    told = {**shared, "HOOKSTATION_DATABASE_URL": "postgresql://me@127.0.0.1:9/j"}
    ended = here("webhooks", "list", "--data", tmp_path / "data", **told)
    assert 1 == ended.exit_code
    assert (
        "error: The database cannot be reached: see that the server runs and the URL is right."
        in ended.stderr
    )


def test_a_run_that_is_waited_for_goes_on_in_the_command_and_stands_in_the_list(
    tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """No node runs: the command is one itself as long as it waits."""
    data, file = tmp_path / "data", tmp_path / "chain.json"
    step = {"name": "keep", "type": "set", "with": {"values": {"course": "$$trigger.course$$"}}}
    workflow = {"name": "plain", "steps": [step], "sample": {"course": "Maths"}}
    every_hour = {"name": "hourly", "workflow": "timed", "cron": "0 * * * *"}
    timed = {**workflow, "name": "timed", "trigger": {"type": "schedule"}}
    document = {"version": 1, "workflows": [workflow, timed], "schedules": [every_hour]}
    file.write_text(json.dumps(document))
    assert 0 == here("apply", file, "--yes", "--data", data, **shared).exit_code
    run = heard("workflows", "run", "plain", "--wait", "30s", "--data", data, **shared)
    assert "succeeded" == run["status"]
    begun = heard("schedules", "run", "hourly", "--data", data, **shared)["run"]
    listed = heard("runs", "list", "--data", data, **shared)["items"]
    assert [begun["id"], run["id"]] == [one["id"] for one in listed]
    queued = heard("runs", "list", "--status", "open", "--data", data, **shared)["items"]
    assert [("timed", "schedule:hourly")] == [(one["workflow"], one["trigger"]) for one in queued]
    cancelled = heard("runs", "cancel", begun["id"], "--data", data, **shared)["items"]
    assert ["cancelled"] == [one["status"] for one in cancelled]
