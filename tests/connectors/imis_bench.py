"""An iMIS connector on a running sandbox, for the tests of the connector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hookstation.adapters.http import GuardedHttpClient
from hookstation.connectors.imis import ImisConnector
from hookstation.connectors.imis.client import Reach
from hookstation.connectors.imis.connector import ImisSettings
from hookstation.connectors.imis.token import Credentials
from hookstation.core.records import ACTIVITY, Operation, Record
from hookstation.core.values import Scalar, Secret
from hookstation.ports.connector import LookUp, Written
from hookstation.testing.sandbox import Sandbox, Settings, running_sandbox

PERSON = "10420"
PANEL = "ABC_Courses"


@dataclass
class Watch:
    """A clock that a test moves."""

    seconds: float = 1000.0

    def now(self) -> int:
        return int(self.seconds * 1_000_000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Target:
    """A connector, the sandbox behind it, and the clock that both tests and connector look at."""

    sandbox: Sandbox
    connector: ImisConnector
    watch: Watch = field(default_factory=Watch)

    async def insert_activity(self, **fields: Scalar) -> Written:
        return await self.connector.execute(activity(**fields), self.connector.presumed(ACTIVITY))

    async def look_up(self, marker: str, **fields: Scalar) -> LookUp:
        return await self.connector.look_up(activity(**fields), self.connector.presumed(ACTIVITY), marker)

    async def write(
        self, operation: Operation, fields: Mapping[str, Scalar], match: Mapping[str, Scalar] | None = None
    ) -> Written:
        record = Record("imis", PANEL, operation, fields, match or {})
        return await self.connector.execute(record, await self.connector.describe(PANEL))


def activity(**fields: Scalar) -> Record:
    """A small activity; `fields` are added to it."""
    whole = {"ID": PERSON, "ACTIVITY_TYPE": "TEST", "TRANSACTION_DATE": "2026-11-22T09:30:00"} | fields
    return Record("imis", ACTIVITY, Operation.INSERT, whole)


@asynccontextmanager
async def target(
    settings: Settings | None = None,
    *,
    password: str = "sandbox",
    dialect: str = "auto",
    timeout: float = 10.0,
    networks: tuple[str, ...] = ("127.0.0.0/8",),
    credentials: Credentials | None = None,
) -> AsyncIterator[Target]:
    """A sandbox and a connector that reaches it over the real client."""
    async with running_sandbox(settings=settings) as sandbox:
        http, watch = GuardedHttpClient(), Watch()
        connector = ImisConnector(
            "imis",
            ImisSettings(Reach(sandbox.url, networks, timeout), "America/Chicago", dialect=dialect),
            credentials or Credentials("manager", Secret(password)),
            http,
            watch,
        )
        try:
            yield Target(sandbox, connector, watch)
        finally:
            await connector.close()
            await http.close()
