"""What the doctor says of PostgreSQL: of a real one that is well, and of each thing that may be wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hookstation.adapters.store.postgres.checkup import Checkup
from hookstation.wiring import doctor_postgres
from hookstation.wiring.doctor import examine
from hookstation.wiring.doctor_postgres import Finding, judge
from tests.support.cluster import new_master_key
from tests.support.command_line import heard
from tests.support.postgres import Given, Server, new_database
from tests.wiring.test_opening import fingerprint_under, settings

WELL = Checkup(
    version="17.2",
    major=17,
    encoding="UTF8",
    schema=3,
    newest=3,
    fingerprint="",
    ahead=0.01,
    safe=True,
    standbys=False,
    standby=False,
    connections=97,
    nodes=3,
    pooler="",
)


def judged(folder: Path, told: Checkup, **more: str) -> dict[str, tuple[bool, str]]:
    """Every finding by its name."""
    key = {"HOOKSTATION_MASTER_KEY": new_master_key()}
    chosen = settings(folder, key, database_url="postgresql://me:sesame@db/j", **more)
    return {what: (well, detail) for what, well, detail in judge(chosen, told)}


def by_name(found: list[Finding]) -> dict[str, tuple[bool, str]]:
    return {what: (well, detail) for what, well, detail in found}


def test_a_server_without_fault_is_well(tmp_path: Path) -> None:
    """Nothing is wrong with it, and its name does not give the password away."""
    found = judged(tmp_path, WELL)
    assert {True} == {well for well, _ in found.values()}
    assert "postgresql://me:********@db/j is PostgreSQL 17.2" == found["server"][1]
    assert (
        "10 a node, 3 nodes now; the server has room for 97, that is 9 nodes like this one"
        == found["connections"][1]
    )


@pytest.mark.parametrize(
    ("told", "what", "detail"),
    [
        (replace(WELL, major=13, version="13.9"), "server", "install 14 or newer"),
        (replace(WELL, encoding="LATIN1"), "server", "make a database with ENCODING 'UTF8'"),
        (replace(WELL, standby=True), "server", "name the primary in the URL"),
        (replace(WELL, schema=4), "schema", "this program knows 3: install the newer version"),
        (replace(WELL, fingerprint="0" * 16), "master key", f"was sealed under {'0' * 16}: give that one"),
        (replace(WELL, ahead=-3600.0), "clock", "3600.0 s behind: set both by NTP"),
        (replace(WELL, safe=False), "durability", "fsync or full_page_writes off"),
        (replace(WELL, nodes=14), "connections", "raise max_connections, or lower database_pool"),
        (replace(WELL, pooler="transaction"), "pooler", "set database_pooler to transaction"),
    ],
)
def test_each_fault_is_told_with_what_to_do(tmp_path: Path, told: Checkup, what: str, detail: str) -> None:
    """And nothing else is called wrong because of it."""
    wrong = {name: said for name, (well, said) in judged(tmp_path, told).items() if not well}
    assert [what] == [*wrong]
    assert detail in wrong[what]


@pytest.mark.parametrize(
    ("told", "what", "detail"),
    [
        (replace(WELL, schema=0), "schema", "0; the first start, or hookstation migrate, brings it to 3"),
        (replace(WELL, standbys=True), "durability", "the server waits for its standbys too"),
        (replace(WELL, pooler="unsure"), "pooler", "if it is not in session mode"),
        (replace(WELL, pooler="unsure"), "connections", "10 a node, to the pooler"),
    ],
)
def test_what_is_not_wrong_is_told_too(tmp_path: Path, told: Checkup, what: str, detail: str) -> None:
    """What is as it may be, but not as everywhere."""
    found = judged(tmp_path, told)
    assert (True, True) == (found[what][0], detail in found[what][1])


def test_standbys_that_nobody_waits_for_are_told(tmp_path: Path) -> None:
    """With synchronous_commit at local a failover may lose something."""
    found = judged(tmp_path, replace(WELL, standbys=True), database_synchronous_commit="local")
    assert "its own disk only, though it has synchronous standbys" in found["durability"][1]


async def test_the_doctor_makes_nothing_of_a_new_database(
    postgres: Server | Given, tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """An empty database is looked at and left as it is; without a key it says how to make one."""
    async with new_database(postgres, "template0") as url:
        found = by_name(await examine(settings(tmp_path / "data", shared, database_url=url)))
        assert {True} == {well for well, _ in found.values()}
        assert "0; the first start" in found["schema"][1]
        assert "database" not in found
        keyless = by_name(await examine(settings(tmp_path / "data", {}, database_url=url)))
        assert (False, True) == (
            keyless["master key"][0],
            "openssl rand -base64 32" in keyless["master key"][1],
        )
    assert not (tmp_path / "data").exists()


async def test_another_key_is_told_and_nothing_opened(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """The fingerprint of the right one is named."""
    known = await fingerprint_under(settings(tmp_path, shared))
    other = settings(tmp_path, {**shared, "HOOKSTATION_MASTER_KEY": new_master_key()})
    found = by_name(await examine(other))
    assert (False, True) == (found["master key"][0], f"sealed under {known}" in found["master key"][1])
    assert "database" not in found


def test_a_station_on_postgres_is_well(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """From the settings to the connections, by the command."""
    assert [] == heard("webhooks", "list", "--data", tmp_path / "data", **shared)["items"]
    found = heard("doctor", "--data", tmp_path / "data", **shared)
    named = [
        "settings",
        "data folder",
        "server",
        "schema",
        "master key",
        "clock",
        "durability",
        "connections",
    ]
    assert [*named, "pooler", "database", "webhooks", "connection records"] == [
        one["what"] for one in found["items"]
    ]
    assert found["well"]


async def test_a_server_that_is_not_there_is_the_only_finding(
    tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """What to do stands in one sentence."""
    nowhere = settings(tmp_path, shared, database_url="postgresql://me@127.0.0.1:9/j")
    [(what, well, detail)], may_open = await doctor_postgres.examine(nowhere)
    assert ("database", False, False) == (what, well, may_open)
    assert "see that the server runs and the URL is right" in detail


async def test_a_replica_that_is_none(tmp_path: Path, shared: Mapping[str, str], database: str) -> None:
    """The database itself is no replica, and where nobody answers the primary serves."""
    for url, told in (
        (database, "is no standby"),
        ("postgresql://me@127.0.0.1:9/j", "The primary serves the lists"),
    ):
        chosen = settings(tmp_path, shared, database_replica_url=url)
        found = by_name((await doctor_postgres.examine(chosen))[0])
        assert (False, True) == (found["replica"][0], told in found["replica"][1])
