"""Settings of a station, ready to use, and how they came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hookstation.config.settings.checks import listed
from hookstation.config.settings.databases import has_standbys, is_postgres, masked, with_parameters
from hookstation.config.settings.sources import Effective, effective
from hookstation.config.settings.specs import BY_NAME, FILE, PREFIX, SETTINGS, SettingSpec
from hookstation.core.shown import ShownSetting
from hookstation.core.values import Secret
from hookstation.errors import Invalid, Problem

__all__ = [
    "BY_NAME",
    "FILE",
    "PREFIX",
    "SETTINGS",
    "DatabaseSettings",
    "Effective",
    "SettingSpec",
    "StationSettings",
    "effective",
    "resolve",
]


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseSettings:
    """How the database is reached. Times in seconds; `url` is empty for SQLite in the data folder.

    With several hosts in it, `url` asks for the one that takes writes, and it names the file of `database_tls_ca`.
    """

    url: str
    replica_url: str
    pool: int
    flushers: int
    connect_timeout: int
    pool_timeout: int
    statement_timeout: int
    lock_timeout: int
    synchronous_commit: str
    pooler: str
    tls_ca: str

    @property
    def is_postgres(self) -> bool:
        """Whether many nodes can share it."""
        return is_postgres(self.url)

    @property
    def shown(self) -> str:
        """The URL for people, its password masked."""
        return masked(self.url)

    def __repr__(self) -> str:
        return f"DatabaseSettings({self.shown!r})"


@dataclass(frozen=True, slots=True)
class StationSettings:
    """The settings, ready to use. `shown`: all of them for people."""

    data: Path
    database: DatabaseSettings
    role: str
    host: str
    port: int
    public_url: str
    master_key: Secret | None
    tls_cert: str
    tls_key: str
    trusted_proxies: tuple[str, ...]
    retention_days: int
    retention_rejected_days: int
    retention_rejected_count: int
    retention_bytes: int
    retention_delivery_days: int
    most_in_flight: int
    most_body_bytes: int
    most_connections: int
    leave_seconds: int
    session_hours: int
    session_idle_minutes: int
    log_level: str
    folders: tuple[Path, ...] = ()
    shown: tuple[ShownSetting, ...] = ()


def resolve(options: Mapping[str, str | None], environment: Mapping[str, str]) -> StationSettings:
    """The settings to run with. Raises `Invalid` with everything that is wrong with them."""
    found = effective(options, environment)
    problems = [Problem((one.spec.name,), one.problem) for one in found if one.problem]
    if problems:
        raise Invalid(problems)
    text = {one.spec.name: one.text for one in found}
    number = {name: int(text[name]) for name, spec in BY_NAME.items() if spec.kind == "integer"}
    return StationSettings(
        data=Path(text["data"]),
        database=_database(text, number),
        role=text["role"],
        host=text["host"],
        public_url=text["public_url"].rstrip("/"),
        master_key=Secret(text["master_key"]) if text["master_key"] else None,
        tls_cert=text["tls_cert"],
        tls_key=text["tls_key"],
        trusted_proxies=listed(text["trusted_proxies"]),
        folders=tuple(Path(one) for one in listed(text["folders"])),
        log_level=text["log_level"],
        port=number["port"],
        retention_days=number["retention_days"],
        retention_rejected_days=number["retention_rejected_days"],
        retention_rejected_count=number["retention_rejected_count"],
        retention_bytes=number["retention_bytes"],
        retention_delivery_days=number["retention_delivery_days"],
        most_in_flight=number["most_in_flight"],
        most_body_bytes=number["most_body_bytes"],
        most_connections=number["most_connections"],
        leave_seconds=number["leave_seconds"],
        session_hours=number["session_hours"],
        session_idle_minutes=number["session_idle_minutes"],
        shown=tuple(
            ShownSetting(one.spec.name, str(one.shown()), one.source, one.spec.help) for one in found
        ),
    )


def _database(text: Mapping[str, str], number: Mapping[str, int]) -> DatabaseSettings:
    url, ca = text["database_url"], text["database_tls_ca"]
    if is_postgres(url):
        url = with_parameters(
            url, sslrootcert=ca, target_session_attrs="read-write" if has_standbys(url) else ""
        )
    replica = text["database_replica_url"]
    return DatabaseSettings(
        url=url,
        replica_url=with_parameters(replica, sslrootcert=ca) if replica else "",
        pool=number["database_pool"],
        flushers=number["database_flushers"],
        connect_timeout=number["database_connect_timeout"],
        pool_timeout=number["database_pool_timeout"],
        statement_timeout=number["database_statement_timeout"],
        lock_timeout=number["database_lock_timeout"],
        synchronous_commit=text["database_synchronous_commit"],
        pooler=text["database_pooler"],
        tls_ca=ca,
    )
