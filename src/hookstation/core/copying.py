"""A whole database as rows that look the same on every kind of database, so that it can be moved and compared.

Rows hold what the database holds: texts as they were given, numbers of records with the sender's digits, secrets
sealed.  Their order is that of their keys, by the bytes of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

if TYPE_CHECKING:
    from hashlib import _Hash

Value: TypeAlias = int | str | bytes | None
Row: TypeAlias = tuple[Value, ...]

Matches: TypeAlias = frozenset[tuple[int, tuple[str, ...]]]
"""The number of an entity with fields, in order, that its records are looked up by."""

BEGINNING: Final[Row] = ()
"""The key before every row's."""

UNFINISHED: Final = "copying"
"""The fact of a target that says how far its copy has come; empty before and after."""

COPIED: Final = "copied_from"
"""The fact of a target that names the database whose copy is finished."""

IDENTITY: Final = "database_id"
"""The fact that tells a database from every other one."""

OWN_FACTS: Final = (UNFINISHED, COPIED, IDENTITY)
"""Facts that belong to one database and are not moved."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is moved together. The first `key` columns tell its rows apart."""

    name: str
    key: int
    columns: tuple[str, ...]

    def key_of(self, row: Row) -> Row:
        """What a row is found by."""
        return row[: self.key]


def _table(name: str, key: int, columns: str) -> Table:
    return Table(name, key, tuple(columns.split()))


FACTS: Final = _table("facts", 1, "name value")
TOTALS: Final = _table("totals", 1, "name value")
"""Roll-ups and the configuration's revision: `rejected`, `body_bytes`, `revision`, and `records:N` of each entity."""

TABLES: Final = (
    FACTS,
    _table("keys", 1, "name role digest created_at"),
    _table("users", 1, "account email role password disabled created_at changed_at"),
    _table("sessions", 1, "digest account address agent opened_at seen_at until"),
    _table("links", 1, "digest account until"),
    _table("tries", 1, "key count last_at"),
    _table("tallies", 4, "webhook span at slot counts"),
    _table("tellers", 1, "node until"),
    _table("findings", 1, "id signal since seen_at closed_at dismissed_by dismissed_at"),
    _table("learned", 1, "webhook document"),
    _table("connections", 1, "name document"),
    _table("panels", 1, "name document"),
    _table("destinations", 1, "name document"),
    _table("subscriptions", 1, "name document"),
    _table("specs", 2, "connection entity document"),
    _table("things", 2, "kind name document"),
    _table("workflow_versions", 2, "name number at author note document"),
    _table("workflow_numbers", 1, "name last"),
    _table("webhooks", 1, "name token document created_at updated_at"),
    _table("versions", 2, "webhook number at author note state document"),
    _table("editors", 2, "webhook who until"),
    _table("captures", 1, "id token author webhook opened_at until status calls"),
    _table("captured_calls", 2, "capture number received_at sender headers query body"),
    _table("entities", 1, "number name last"),  # last: the newest record number that was given
    _table("records", 2, "entity number party ordinal fields event_id"),
    _table(
        "events",
        1,
        "id webhook state received_at sender size answer_status answer_body error reason connection entity record_key "
        "run_id settled_at started_at attempts timings headers query dedup_key body_digest body",
    ),
    _table("attempts", 2, "event_id number started_at ended_at state error record_key"),
    _table("marks", 1, "digest event_id expires_at"),
    _table("jobs", 2, "queue id key state priority due_at tries payload turn node token until lane"),
    _table("events_out", 1, "id type occurred_at source key hops payload"),
    _table(
        "deliveries",
        1,
        "id event_id type subscription destination key state created_at attempts status trouble error ended_at",
    ),
    _table(
        "delivery_attempts",
        2,
        "delivery_id number started_at method url headers body status answer_headers answer cut dns connect tls "
        "first_byte total trouble error node",
    ),
    _table("delivery_figures", 2, "destination hour delivered failed dead took"),
    _table("destination_states", 1, "name health until opened failing_since changed_at why revision"),
    _table(
        "runs",
        1,
        "id workflow version state trigger created_at input facts key event_id parent parent_path source started_at "
        "ended_at due_at error output answer hops",
    ),
    _table(
        "run_entries",
        3,
        "run_id path attempt number state started_at ended_at input output error fault due_at detail",
    ),
    _table("run_signals", 2, "run_id path at payload who"),
    _table("run_waits", 2, "run_id path kind digest expires_at person title"),
    _table("kept", 3, "kind name key value"),
    _table("standings", 2, "kind name failures succeeded_at failed_at off why"),
    _table("row_hashes", 2, "owner key hash"),
    _table("pending_hashes", 3, "run_id owner key hash"),
    TOTALS,
)
"""Everything, in the order in which it is moved."""


class Unfinished(msgspec.Struct, frozen=True):
    """How far a copy has come: `source` names the database it is of; `batch` counts what was committed.

    `table` is the one that is being moved, empty once all are; `after` is the key of its last row, written by
    `write_key`.
    """

    source: str
    batch: int
    table: str
    after: bytes

    def write(self) -> str:
        """As the text of a fact."""
        return _write_text(self).decode()


_write_text: Final = msgspec.json.Encoder().encode
_read_text: Final = msgspec.json.Decoder(Unfinished).decode
_write_row: Final = msgspec.msgpack.Encoder().encode


def read_unfinished(text: str) -> Unfinished:
    """What `Unfinished.write` wrote. Raises `ValueError` for anything else."""
    return _read_text(text.encode())


def write_key(key: Row) -> bytes:
    """A key of any table as bytes."""
    return _write_row(key)


def read_key(written: bytes) -> Row:
    """What `write_key` wrote."""
    return cast("Row", tuple(msgspec.msgpack.decode(written)))


@dataclass(slots=True)
class Digest:
    """The SHA-256 of a table's rows, one after the other, each of them written unmistakably; and their number."""

    rows: int = 0
    _hash: _Hash = field(default_factory=sha256)

    def add(self, rows: Sequence[Row]) -> None:
        """Count the next rows in."""
        self.rows += len(rows)
        for row in rows:
            self._hash.update(_write_row(row))

    @property
    def sha256(self) -> str:
        """As hexadecimal digits."""
        return self._hash.hexdigest()
