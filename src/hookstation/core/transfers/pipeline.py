"""Rows on their way: those that count, as the columns that come out, written as the bytes of a format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from hookstation.core.formats import Writer, read_layout
from hookstation.core.formats.options import Layout
from hookstation.core.transfers.definitions import FileTarget, Transfer
from hookstation.core.transfers.progress import Progress
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.columns import Columns, compile_columns
from hookstation.core.workflows.delta import Delta
from hookstation.core.workflows.scope import RunScope

DIGEST: Final = 16
"""Bytes of a digest of rows."""

Row = Mapping[str, JSON]


class Pipeline:
    """What becomes of the rows of one transfer. Raises `Invalid` where its document cannot be done."""

    def __init__(self, transfer: Transfer, scope: RunScope) -> None:
        self._scope = scope
        self._columns: Columns | None = compile_columns(transfer.columns) if transfer.columns else None
        delta = transfer.delta
        self.delta: Delta | None = Delta(delta.key, delta.columns) if delta else None
        self.layout = layout_of(transfer)

    def out(self, rows: Sequence[Row], first: int) -> Sequence[Row]:
        """The rows that come out. `first`: how many were read before. Raises `MappingFailed` naming the row."""
        return rows if self._columns is None else self._columns.select(rows, self._scope, first)

    def writer(self, progress: Progress) -> Writer:
        """A writer that goes on where one stood that had written these rows."""
        if not progress.rows:
            return Writer(self.layout, self._names)
        return Writer(self.layout, progress.columns, progress.rows)

    def whole(self, rows: Sequence[Row]) -> bytes:
        """A file of these rows alone. Raises `MappingFailed`."""
        writer = Writer(self.layout, self._names)
        return writer.begin() + writer.rows(rows) + writer.end()

    @property
    def _names(self) -> tuple[str, ...]:
        return () if self._columns is None else self._columns.names


def layout_of(transfer: Transfer) -> Layout:
    """How rows stand in what leaves. A file's encoding counts where the format's options name none."""
    target, options = transfer.destination, dict(transfer.format.options)
    lines = transfer.format.type in ("csv", "tsv", "pipe")
    if isinstance(target, FileTarget) and "encoding" not in options and lines:
        options["encoding"] = target.encoding
    return read_layout(transfer.format.type, options)


def digest_after(before: str, rows: Sequence[Row]) -> str:
    """The digest of rows behind others: hexadecimal digits. It changes with their values, names and order."""
    return blake2b(before.encode() + _encode(rows), digest_size=DIGEST).hexdigest()


def _raw(value: object) -> object:
    assert isinstance(value, Number)
    return msgspec.Raw(value.text.encode())


_encode = msgspec.json.Encoder(enc_hook=_raw).encode
