"""iMIS as a target."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hookstation.connectors.imis import metadata, panel, reading, settle
from hookstation.connectors.imis.answers import DONE, Call, NoSuchThing, believe
from hookstation.connectors.imis.client import ImisClient, Reach, entity_path
from hookstation.connectors.imis.dialect import Dialect
from hookstation.connectors.imis.envelope import Form
from hookstation.connectors.imis.find import items
from hookstation.connectors.imis.locks import KeyedLocks
from hookstation.connectors.imis.reading import SEQUENCE
from hookstation.connectors.imis.token import Credentials, Tokens
from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.records import ACTIVITY, EntitySpec, Operation, Record
from hookstation.core.rowkey import row_key
from hookstation.core.values import JSON, Scalar
from hookstation.errors import ActionFailed, AddressRefused, NotFound, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiAnswer, ApiCall
from hookstation.ports.clock import Clock
from hookstation.ports.connector import LookUp, Written
from hookstation.ports.http import HttpClient
from hookstation.ports.rows import Row


@dataclass(frozen=True, slots=True)
class ImisSettings:
    """The plain settings of a connection. `settle_after`: seconds; `dialect`: ``auto``, ``PartyId`` or ``ID``."""

    reach: Reach
    zone: str = "UTC"
    settle_after: float = 300.0
    dialect: str = "auto"


class ImisConnector:
    """A `RemoteConnector`, `ApiConnector` and `QueryConnector` for one iMIS."""

    def __init__(
        self, name: str, settings: ImisSettings, credentials: Credentials, http: HttpClient, clock: Clock
    ) -> None:
        self._name, self._settings = name, settings
        tokens = Tokens(settings.reach.url, credentials, http, clock)
        self._client = ImisClient(settings.reach, tokens, http)
        self._dialect = Dialect(settings.dialect)
        self._activities = reading.Activities(self._client)
        self._locks = KeyedLocks()

    @property
    def name(self) -> str:
        """The connection's name."""
        return self._name

    @property
    def operations(self) -> frozenset[Operation]:
        """Insert, update, upsert and delete."""
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
        if (
            record.entity == ACTIVITY
            and record.operation is not Operation.UPSERT
            and SEQUENCE not in record.match
        ):
            raise Terminal(
                f"An activity is changed or deleted by its own number: match on {SEQUENCE}. Anything else may be true"
                " of all activities of a person."
            )
        async with self._locks.hold(row_key(record)):
            return await panel.change(self._client, form, record)

    async def look_up(self, record: Record, spec: EntitySpec, marker: str) -> LookUp:
        """Find what `execute` may have written; see the port."""
        with _refusals_for_a_sender():
            return await settle.look_up(self._client, await self._form(spec), record, marker)

    async def find(
        self, spec: EntitySpec, match: Mapping[str, Scalar], limit: int
    ) -> Sequence[Mapping[str, JSON]]:
        """At most `limit` records that hold these values, each with its ``key``. Raises as `execute`."""
        with _refusals_for_a_sender():
            return await reading.records(self._client, await self._form(spec), match, limit)

    async def call(self, call: ApiCall) -> ApiAnswer:
        """Call an address below ``/api/`` with the connection's token; see the port."""
        kind = reading.kind_of_call(call.method)
        with _refusals_for_a_sender():
            try:
                answer = await self._client.send(call)
            except UnknownOutcome as unknown:
                if kind is Call.ADD:
                    raise
                raise Retriable("The target did not answer.", detail=unknown.detail) from None
        told = ApiAnswer(answer.status, answer.headers, answer.body)
        if answer.status not in DONE or "json" in answer.headers.get("content-type", "json"):
            try:
                believe(answer, kind, self._client.host)
            except ActionFailed as refused:
                refused.answer = told
                raise
        return told

    async def pages(self, call: ApiCall) -> AsyncIterator[Sequence[JSON]]:
        """The items of all pages; a list that changes meanwhile may give a row twice, but leaves none out."""
        with _refusals_for_a_sender():
            async for items in reading.pages(self._client, call):
                yield items

    async def query(
        self, name: str, parameters: Mapping[str, str], offset: int = 0, limit: int = 0
    ) -> AsyncIterator[Sequence[Row]]:
        """Rows of a stored query; see the port."""
        with _refusals_for_a_sender():
            async for rows in reading.query(self._client, name, parameters, offset, limit):
                yield rows

    async def activities_after(self, sequence: int, limit: int) -> Sequence[Row]:
        """The next activities by their number; see the port."""
        with _refusals_for_a_sender():
            return await self._activities.after(await self._form(ACTIVITY_SPEC), sequence, limit)

    async def newest_activity(self) -> int:
        """The greatest number of an activity."""
        with _refusals_for_a_sender():
            return await self._activities.newest()

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
