"""Everything that the sandbox remembers. It is in memory only: a new sandbox is a clean one."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hookstation.testing.sandbox.answers import Refused, invalid
from hookstation.testing.sandbox.definitions import ACTIVITY, CONTACT, PARTY, Column, Entity, activity, seeded
from hookstation.testing.sandbox.envelope import Sent
from hookstation.testing.sandbox.faults import Faults
from hookstation.testing.sandbox.people import seeded_people
from hookstation.testing.sandbox.table import Key, Row, Table
from hookstation.testing.sandbox.values import Stored, read_value

LARGEST_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may set at run time. `token_life` in seconds.

    `strict_parties` refuses party ids that are not seeded; otherwise any of 1 to 10 characters is taken.
    `party_property` is the dialect of the Activity: ``PartyId`` or ``ID``.  `largest_page` bounds a page.
    `changeable_activities`: they can be updated and deleted, too.  `queries_at`: where stored queries are, ``query``
    (the newer platform, flat rows), ``iqa`` (the older one, entities) or ``both``.
    """

    username: str = "manager"
    password: str = "sandbox"  # noqa: S105  the documented password of a toy
    client_id: str = "sandbox-app"
    client_secret: str = "sandbox-secret"  # noqa: S105
    refresh_token: str = "sandbox-refresh"  # noqa: S105
    token_life: float = 1200.0
    strict_parties: bool = False
    party_property: str = "PartyId"
    largest_page: int = LARGEST_PAGE
    changeable_activities: bool = False
    queries_at: str = "both"


@dataclass(slots=True)
class State:
    """The sandbox's memory; `initial` is what `reset` goes back to. `closing` is set when the server ends."""

    initial: Settings = field(default_factory=Settings)
    settings: Settings = field(init=False)
    tables: dict[str, Table] = field(init=False)
    queries: dict[str, str] = field(init=False)
    tokens: dict[str, float] = field(init=False)
    calls: Counter[tuple[str, str]] = field(init=False)
    faults: Faults = field(init=False)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: rows, tokens, faults, calls, added entities, changed settings."""
        self.settings = self.initial
        entities = seeded(self.settings.party_property)
        self.tables = {name: Table(entity) for name, entity in entities.items()}
        for person in seeded_people():
            self.add_person(**person)
        self.queries = {f"$/Sandbox/{name}": name for name in self.tables}
        self.tokens = {}
        self.calls = Counter()
        self.faults = Faults()

    def change(self, settings: Settings) -> None:
        """Take new settings; another `party_property` renames it in the activities that are there."""
        old, new = self.settings.party_property, settings.party_property
        self.settings = settings
        if new != old:
            self.tables[ACTIVITY].rename(activity(new), old, new)

    def define(self, entity: Entity) -> None:
        """Add an entity, or put another one in the place of its namesake, without rows."""
        self.tables[entity.name] = Table(entity)
        self.queries[f"$/Sandbox/{entity.name}"] = entity.name

    def add_person(self, id: str, first: str, last: str, email: str, major_key: str) -> None:  # noqa: A002
        """Add a person, known as Party and as CsContactBasic."""
        values = {"FirstName": first, "LastName": last, "Email": email, "MajorKey": major_key}
        self.tables[PARTY].insert({"Id": id, **values})
        self.tables[CONTACT].insert({"ID": id, **values})

    def issue_token(self) -> str:
        """A fresh bearer token."""
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + self.settings.token_life
        return token

    def holds_token(self, token: str) -> bool:
        """Whether this token was issued here, is not revoked and not expired."""
        return self.tokens.get(token, 0.0) > time.monotonic()

    def table(self, entity: str) -> Table:
        """The entity's rows. Raises `Refused` 501 where there is no such entity."""
        table = self.tables.get(entity)
        if table is None:
            raise Refused(501, f"{entity} is not implemented: there is no such entity.")
        return table

    def rows(self, entity: str) -> Collection[Row]:
        """All rows of an entity, in the order of writing."""
        return self.table(entity).rows.values()

    def check_insert(self, table: Table, sent: Sent) -> dict[str, Stored]:
        """The values that an insert would store. Raises `Refused` 400 with everything that is wrong."""
        entity = table.entity
        faults: list[str] = []
        if sent.key:
            faults.append("Identity: IdentityElements are given by the system and not sent in an insert.")
        values = _read(entity.columns, sent.properties, faults)
        faults += [
            f"{name}: the system gives this value."
            for name, column in entity.columns.items()
            if column.given and values.get(name) is not None
        ]
        _hang_on_party(entity, sent.parent, values, faults)
        self._check_row(entity, values, faults)
        if faults:
            raise invalid(*faults)
        return values

    def check_update(self, table: Table, row: Row, sent: Sent) -> dict[str, Stored]:
        """The changes that an update would make. Raises `Refused` 400 with everything that is wrong."""
        entity = table.entity
        faults: list[str] = []
        changes = _read(entity.columns, sent.properties, faults)
        key = tuple(str(changes.get(name)) for name in entity.key_columns)
        if sent.key != row.key or key != row.key:
            names = " and ".join(entity.key_columns)
            faults.append(f"Identity: the row's key has to stand in Identity and in {names}.")
        _hang_on_party(entity, sent.parent, changes, faults)
        self._check_row(entity, {**row.values, **changes}, faults)
        if faults:
            raise invalid(*faults)
        return {name: value for name, value in changes.items() if name not in entity.key_columns}

    def _check_row(self, entity: Entity, values: Mapping[str, Stored], faults: list[str]) -> None:
        named_already = {fault.partition(":")[0] for fault in faults}
        faults += [
            f"{name}: a value is required."
            for name, column in entity.columns.items()
            if column.required and values.get(name) in (None, "") and name not in named_already
        ]
        faults += [
            f"{name}: there is no party {value}."
            for name, value in values.items()
            if entity.columns[name].party and value not in (None, "") and not self._is_party(str(value))
        ]

    def _is_party(self, party: str) -> bool:
        known = (party,) in self.tables[PARTY].rows
        return known or (not self.settings.strict_parties and 1 <= len(party) <= len("1234567890"))


def settings_with(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """The settings with some of them changed. Raises `Refused` 400 for a name or value that cannot be."""
    known = {name: type(getattr(settings, name)) for name in Settings.__dataclass_fields__}
    taken: dict[str, object] = {}
    for name, value in changes.items():
        kind = known.get(name)
        if kind is float and type(value) is int:
            taken[name] = float(value)
        elif kind is None or type(value) is not kind:
            raise Refused(
                400, f"{name}: settings are {', '.join(f'{n} ({k.__name__})' for n, k in known.items())}."
            )
        else:
            taken[name] = value
    changed = replace(settings, **taken)  # type: ignore[arg-type]  # kinds are checked above
    if changed.party_property not in ("PartyId", "ID") or not 1 <= changed.largest_page <= LARGEST_PAGE:
        raise Refused(400, f"party_property is PartyId or ID; largest_page is 1 to {LARGEST_PAGE}.")
    if changed.queries_at not in ("query", "iqa", "both"):
        raise Refused(400, "queries_at is query, iqa or both.")
    return changed


def _read(
    columns: Mapping[str, Column], properties: Mapping[str, object], faults: list[str]
) -> dict[str, Stored]:
    values: dict[str, Stored] = {}
    for name, raw in properties.items():
        column = columns.get(name)
        if column is None:
            faults.append(f"{name}: there is no such property.")
            continue
        try:
            values[name] = read_value(column, raw)
        except ValueError as error:
            faults.append(str(error))
    return values


def _hang_on_party(entity: Entity, parent: Key, values: dict[str, Stored], faults: list[str]) -> None:
    """The party stands in the parent's identity, or as a property, or in both and then alike."""
    if not parent or not entity.party_column:
        return
    if values.setdefault(entity.party_column, parent[0]) != parent[0]:
        faults.append(f"{entity.party_column}: PrimaryParentIdentity names another party.")
