"""What a station needs, looked at: data folder, key, database, webhooks, connections, destinations."""

from __future__ import annotations

import stat
from typing import Final, cast

from hookstation.cli.backend import Control
from hookstation.config.settings import StationSettings
from hookstation.core.values import JSON
from hookstation.errors import HookstationError
from hookstation.wiring import control, doctor_destinations, doctor_postgres
from hookstation.wiring.places import KEY_FILE, database_name, database_path
from hookstation.wiring.running import check_certificate

MOST_NAMES: Final = 5
MOST_PARKED: Final = 100
Finding = tuple[str, bool, str]


async def examine(settings: StationSettings) -> list[Finding]:
    """Every finding: (what, whether it is well, a sentence with what to do where it is not)."""
    findings: list[Finding] = [_folder(settings), *_key(settings), *_certificate(settings)]
    looked, may_open = await _database(settings)
    findings += looked
    if not may_open:
        return findings
    try:
        async with control.reach(settings) as station:
            findings.append(("database", True, f"{database_name(settings)} opens, and its master key fits"))
            findings += _webhooks(await _all(station, "/webhooks"))
            findings += _runs(await _page(station, "/runs", {"status": "parked", "limit": str(MOST_PARKED)}))
            for one in await _all(station, "/connections"):
                findings.append(await _connection(station, str(one["name"])))
            for one in await _all(station, "/destinations"):
                findings.append(await doctor_destinations.examine(one))
    except HookstationError as failure:
        findings.append(("database", False, failure.message))
    return findings


async def _database(settings: StationSettings) -> tuple[list[Finding], bool]:
    """What can be seen of the database without opening it, which would make what is only to be looked at; and whether
    it may be opened."""
    if settings.database.is_postgres:
        return await doctor_postgres.examine(settings)
    database = database_path(settings)
    if settings.data.exists() and database.exists():
        return [], True
    there = "is opened" if database.exists() else "is made"
    return [("database", True, f"{database} {there} at the first start")], False


async def _all(station: Control, path: str) -> list[dict[str, JSON]]:
    items: list[dict[str, JSON]] = []
    after: JSON = ""
    while after is not None:
        query = {"limit": "1000", "after": str(after)}
        page = cast("dict[str, JSON]", await station.call("GET", path, None, query))
        items += cast("list[dict[str, JSON]]", page["items"])
        after = page["next"]
    return items


async def _page(station: Control, path: str, query: dict[str, str]) -> list[dict[str, JSON]]:
    page = cast("dict[str, JSON]", await station.call("GET", path, None, query))
    return cast("list[dict[str, JSON]]", page["items"])


def _runs(parked: list[dict[str, JSON]]) -> list[Finding]:
    """Events that hold up those behind them until a person lets them go."""
    if not parked:
        return []
    keys = _some([f"{one['webhook']} “{one['order'] or ''}”" for one in parked])
    return [
        ("runs", False, f"parked, and others wait behind them: {keys}; hookstation runs list --status parked")
    ]


def _folder(settings: StationSettings) -> Finding:
    if not settings.data.exists():
        return "data folder", True, f"{settings.data} is made at the first start"
    if stat.S_IMODE(settings.data.stat().st_mode) & 0o022:
        return "data folder", False, f"others may write into {settings.data}: chmod 700 {settings.data}"
    return "data folder", True, f"{settings.data}"


def _key(settings: StationSettings) -> list[Finding]:
    path = settings.data / KEY_FILE
    if settings.master_key is not None or settings.database.is_postgres or not path.exists():
        return []
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return [("master key", False, f"others may read {path}: chmod 600 {path}")]
    return [("master key", True, f"{path}; keep a copy apart from the backups")]


def _certificate(settings: StationSettings) -> list[Finding]:
    if not settings.tls_cert and not settings.tls_key:
        return []
    try:
        check_certificate(settings.tls_cert, settings.tls_key)
    except HookstationError as failure:
        return [("certificate", False, failure.message)]
    return [("certificate", True, f"{settings.tls_cert} fits its key")]


def _webhooks(items: list[dict[str, JSON]]) -> list[Finding]:
    unreadable = [str(one["name"]) for one in items if one["state"] == "unreadable"]
    proofs = {str(one["name"]): one.get("authentication") for one in items}
    open_ones = [
        name for name, proof in proofs.items() if isinstance(proof, dict) and proof["type"] == "none"
    ]
    told = "1 webhook" if len(items) == 1 else f"{len(items)} webhooks"
    if open_ones:
        told += f"; without authentication: {_some(open_ones)}"
    findings = [("webhooks", True, told)]
    if unreadable:
        message = f"stored in a form that cannot be read: {_some(unreadable)}; apply them again"
        findings.append(("webhooks", False, message))
    return findings


def _some(names: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


async def _connection(station: Control, name: str) -> Finding:
    try:
        checked = cast("dict[str, JSON]", await station.call("POST", f"/connections/{name}/check"))
    except HookstationError as failure:
        return f"connection {name}", False, failure.message
    return f"connection {name}", True, str(checked["reached"])
