"""iMIS as a target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from hookstation.connectors.imis import metadata, panel, settle
from hookstation.connectors.imis.answers import Call, NoSuchThing
from hookstation.connectors.imis.client import ImisClient, Reach, entity_path
from hookstation.connectors.imis.dialect import Dialect
from hookstation.connectors.imis.envelope import Form
from hookstation.connectors.imis.find import items
from hookstation.connectors.imis.locks import KeyedLocks
from hookstation.connectors.imis.token import Credentials, Tokens
from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.records import ACTIVITY, EntitySpec, Operation, Record
from hookstation.core.rowkey import row_key
from hookstation.core.values import JSON
from hookstation.errors import AddressRefused, NotFound, Terminal
from hookstation.ports.clock import Clock
from hookstation.ports.connector import LookUp, Written
from hookstation.ports.http import HttpClient


@dataclass(frozen=True, slots=True)
class ImisSettings:
    """The plain settings of a connection. `settle_after`: seconds; `dialect`: ``auto``, ``PartyId`` or ``ID``."""

    reach: Reach
    zone: str = "UTC"
    settle_after: float = 300.0
    dialect: str = "auto"


class ImisConnector:
    """A `RemoteConnector` for one iMIS."""

    def __init__(
        self, name: str, settings: ImisSettings, credentials: Credentials, http: HttpClient, clock: Clock
    ) -> None:
        self._name, self._settings = name, settings
        tokens = Tokens(settings.reach.url, credentials, http, clock)
        self._client = ImisClient(settings.reach, tokens, http)
        self._dialect = Dialect(settings.dialect)
        self._locks = KeyedLocks()

    @property
    def name(self) -> str:
        """The connection's name."""
        return self._name

    @property
    def operations(self) -> frozenset[Operation]:
        """Insert, update and upsert."""
        return frozenset(Operation)

    @property
    def zone(self) -> str:
        """The target's local time."""
        return self._settings.zone

    @property
    def settle_after(self) -> float:
        """Seconds after which a look-up that finds nothing may be believed."""
        return self._settings.settle_after

    async def execute(self, record: Record, spec: EntitySpec) -> Written:
        """Write the record; see the port."""
        with _refusals_for_a_sender():
            return await self._write(record, spec)

    async def _write(self, record: Record, spec: EntitySpec) -> Written:
        form = await self._form(spec)
        if record.operation is Operation.INSERT:
            return await panel.insert(self._client, form, record.fields)
        if record.entity == ACTIVITY:
            raise Terminal("Activities can only be added; the target does not change them.")
        async with self._locks.hold(row_key(record)):
            return await panel.change(self._client, form, record)

    async def look_up(self, record: Record, spec: EntitySpec, marker: str) -> LookUp:
        """Find what `execute` may have written; see the port."""
        with _refusals_for_a_sender():
            return await settle.look_up(self._client, await self._form(spec), record, marker)

    async def describe(self, entity: str) -> EntitySpec:
        """The entity's field list, fresh from the target."""
        with _refusals_for_the_owner():
            definition = await self._definition(entity)
        if entity == ACTIVITY:
            self._dialect.learn(metadata.wire_names(definition))
        return metadata.read_definition(entity, definition)

    def presumed(self, entity: str) -> EntitySpec:
        """The documented columns of the activity; of a panel nothing is known before it is asked for."""
        return ACTIVITY_SPEC if entity == ACTIVITY else EntitySpec(entity, {}, open=True)

    async def check(self) -> str:
        """Sign in, and read one entity definition."""
        with _refusals_for_the_owner():
            user = await self._client.user()
            page = await self._client.call("GET", "BOEntityDefinition", Call.READ, query={"limit": "1"})
        readable = "its field lists can be read" if items(page) else "it shows this account no field lists"
        return f"Signed in{f' as {user}' if user else ''}; {readable}."

    async def close(self) -> None:
        """Let go of what is held."""
        await self._client.close()

    async def _definition(self, entity: str) -> JSON:
        """The description from the newer address, else from the older one: each platform may lack one of them."""
        path = entity_path(entity)
        for place in (f"BOEntityDefinition/{path}", f"metadata/{path}"):
            try:
                return await self._client.call("GET", place, Call.READ)
            except NoSuchThing:
                continue
        raise NotFound("entity", entity)

    async def _form(self, spec: EntitySpec) -> Form:
        if spec.name == ACTIVITY:
            return Form(spec, await self._dialect.names(self._ask_dialect))
        return Form(spec)

    async def _ask_dialect(self) -> Mapping[str, str]:
        """What the target says of its activity; nothing where it does not describe it."""
        try:
            return metadata.wire_names(await self._definition(ACTIVITY))
        except (NotFound, Terminal):
            return {}


@contextmanager
def _refusals_for_a_sender() -> Iterator[None]:
    """The address guard's refusal without the address, which goes to the log."""
    try:
        yield
    except AddressRefused as refused:
        raise Terminal(
            "The station may not call this target's address; see the log for what to permit.",
            detail=refused.message,
        ) from None


@contextmanager
def _refusals_for_the_owner() -> Iterator[None]:
    """The address guard's refusal with what to permit, for who sets the connection up."""
    try:
        yield
    except AddressRefused as refused:
        raise Terminal(refused.message) from None
