"""Connections that hold no records, and what of this machine connections may reach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import CATALOGUE
from hookstation.connectors.outside import Outside, local_place, reachable
from hookstation.connectors.system import HoldsNoRecords, SystemConnector
from hookstation.core.documents.connection import carried_elsewhere, decode_connection
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.records import ACTIVITY
from hookstation.core.values import JSON
from hookstation.errors import Terminal
from tests.connectors.imis_bench import Watch


def outside(*folders: Path, own: Path | None = None) -> Outside:
    return Outside(GuardedHttpClient(), Watch(), HttpSender(), folders, own)


async def test_a_connection_without_records_says_what_it_is_for() -> None:
    connector = SystemConnector("warehouse", "sql")
    with pytest.raises(HoldsNoRecords, match=r"“warehouse” .sql. holds no activities.*workflows, polls"):
        await connector.describe(ACTIVITY)
    with pytest.raises(HoldsNoRecords):
        connector.presumed("ABC_Courses")
    assert frozenset() == connector.operations


async def test_every_address_of_a_name_is_judged_before_one_is_used() -> None:
    assert ("127.0.0.1",) == await reachable("127.0.0.1", 1, ("127.0.0.0/8",))
    with pytest.raises(Terminal) as refused:
        await reachable("localhost", 1, ())
    assert "networks" in refused.value.detail
    assert "127" not in refused.value.message


def test_a_file_must_lie_below_a_folder_that_the_operator_named(tmp_path: Path) -> None:
    shared, own = tmp_path / "shared", tmp_path / "data"
    shared.mkdir()
    own.mkdir()
    (shared / "link").symlink_to(own)
    given = outside(shared, own=own)
    assert "" == local_place(str(shared / "members.db"), given)
    assert "absolute" in local_place("members.db", given)
    assert "HOOKSTATION_FOLDERS" in local_place(str(shared / ".." / "elsewhere" / "a.db"), given)
    assert "HOOKSTATION_FOLDERS" in local_place("/etc/passwd", given)


@pytest.mark.parametrize("way", ["data", "data/events.db", "shared/link/events.db", "."])
def test_our_own_data_is_never_reached_by_a_connection(tmp_path: Path, way: str) -> None:
    own = tmp_path / "data"
    own.mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "link").symlink_to(own)
    assert "own data" in local_place(str(tmp_path / way), outside(tmp_path, own=own))


HTTP: dict[str, JSON] = {
    "url": "https://h", "authentication": "oauth2", "token_url": "https://t", "client_id": "i", "client_secret": "s",
}  # fmt: skip
SQL: dict[str, JSON] = {
    "engine": "postgresql",
    "host": "h",
    "database": "d",
    "username": "u",
    "password": "p",
}


@pytest.mark.parametrize(("kind", "document", "change", "asked"), [
    ("sql", SQL, {"host": "x"}, ["password"]), ("sql", SQL, {"port": 1}, ["password"]),
    ("sql", SQL, {"tls": "off"}, ["password"]), ("sql", SQL, {"schema": "x"}, []),
    ("http", HTTP, {"url": "https://x"}, ["client_secret"]),
    ("http", HTTP, {"token_url": "https://x"}, ["client_secret"]),
    ("http", HTTP, {"proxy": "http://x"}, ["client_secret"]), ("http", HTTP, {"timeout": "5s"}, []),
])  # fmt: skip
def test_a_secret_is_asked_for_again_where_it_would_go_to_somebody_else(
    kind: str, document: dict[str, JSON], change: dict[str, JSON], asked: list[str]
) -> None:
    before, _ = decode_connection({"name": "c", "type": kind, **document}, CATALOGUE, PersonSecrets())
    after, _ = decode_connection(
        {"name": "c", "type": kind, **document, **change}, CATALOGUE, PersonSecrets()
    )
    assert before is not None
    assert after is not None
    kept = replace(after, secrets={**after.secrets, **before.secrets})
    assert asked == [problem.path[0] for problem in carried_elsewhere(before, kept, CATALOGUE)]
