"""What a station needs, looked at: data folder, key, database, webhooks, connections."""

from __future__ import annotations

import stat
from typing import cast

from hookstation.cli.backend import Control
from hookstation.config.settings import StationSettings
from hookstation.core.values import JSON
from hookstation.errors import HookstationError
from hookstation.wiring import control
from hookstation.wiring.running import check_certificate
from hookstation.wiring.station import KEY_FILE, database_path

Finding = tuple[str, bool, str]


async def examine(settings: StationSettings) -> list[Finding]:
    """Every finding: (what, whether it is well, a sentence with what to do where it is not)."""
    findings: list[Finding] = [_folder(settings), *_key(settings), *_certificate(settings)]
    try:
        async with control.reach(settings) as station:
            findings.append(("database", True, f"{database_path(settings)} opens, and its master key fits"))
            webhooks = cast(
                "dict[str, JSON]", await station.call("GET", "/webhooks", None, {"limit": "1000"})
            )
            findings.append(_webhooks(cast("list[dict[str, JSON]]", webhooks["items"])))
            connections = cast(
                "dict[str, JSON]", await station.call("GET", "/connections", None, {"limit": "1000"})
            )
            for one in cast("list[dict[str, JSON]]", connections["items"]):
                findings.append(await _connection(station, str(one["name"])))
    except HookstationError as failure:
        findings.append(("database", False, failure.message))
    return findings


def _folder(settings: StationSettings) -> Finding:
    if not settings.data.exists():
        return "data folder", True, f"{settings.data} is made at the first start"
    if stat.S_IMODE(settings.data.stat().st_mode) & 0o022:
        return "data folder", False, f"others may write into {settings.data}: chmod 700 {settings.data}"
    return "data folder", True, f"{settings.data}"


def _key(settings: StationSettings) -> list[Finding]:
    path = settings.data / KEY_FILE
    if settings.master_key is not None or not path.exists():
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


def _webhooks(items: list[dict[str, JSON]]) -> Finding:
    open_ones = [
        str(one["name"])
        for one in items
        if isinstance(one["authentication"], dict) and one["authentication"].get("type") == "none"
    ]
    told = "1 webhook" if len(items) == 1 else f"{len(items)} webhooks"
    if open_ones:
        told += f"; without authentication: {', '.join(open_ones[:5])}"
    return "webhooks", True, told


async def _connection(station: Control, name: str) -> Finding:
    try:
        checked = cast("dict[str, JSON]", await station.call("POST", f"/connections/{name}/check"))
    except HookstationError as failure:
        return f"connection {name}", False, failure.message
    return f"connection {name}", True, str(checked["reached"])
