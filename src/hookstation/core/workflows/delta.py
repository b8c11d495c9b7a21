"""Which rows are new or other than they were: each is known again by its key, and compared by its hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final

import msgspec

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON, Number
from hookstation.errors import MappingFailed

LONGEST_KEY: Final = 200
"""Characters of a key that is kept as it is written; of a longer one its digest is."""
DIGEST: Final = 16
"""Bytes of a hash."""

Row = Mapping[str, JSON]


def _raw(value: object) -> object:
    assert isinstance(value, Number)
    return msgspec.Raw(value.text.encode())


_canonical: Final = msgspec.json.Encoder(enc_hook=_raw, order="sorted")


class Delta:
    """Compares rows. `key`: the columns by which a row is known again; `columns`: those that count, empty for all."""

    def __init__(self, key: Sequence[str], columns: Sequence[str] = ()) -> None:
        self._key = tuple(key)
        self._columns = tuple(columns)
        self._pick: Callable[[Row], Any] = itemgetter(*key)

    def key_of(self, row: Row, number: int = 1) -> str:
        """The text by which a row is known again. Raises `MappingFailed` naming row `number` where a part is null."""
        try:
            value = self._pick(row)
        except KeyError:
            value = None
        parts = value if len(self._key) > 1 and value is not None else (value,)
        if None in parts:
            name = next(name for name in self._key if row.get(name) is None)
            raise MappingFailed(f"row {number:,}", f"has no “{name}”, by which it would be known again.")
        written = dump_json(list(parts))
        if len(written) <= LONGEST_KEY:
            return written
        return blake2b(written.encode(), digest_size=32).hexdigest()

    def hash_of(self, row: Row) -> bytes:
        """What changes with the values that count, and with nothing else: not with the order of columns."""
        counted = {name: row.get(name) for name in self._columns} if self._columns else row
        return blake2b(_canonical.encode(counted), digest_size=DIGEST).digest()

    def by_key(self, rows: Iterable[Row], first: int = 1) -> dict[str, Row]:
        """The rows by their keys; of those with the same key the last one counts. `first`: the first one's number."""
        return {self.key_of(row, number): row for number, row in enumerate(rows, first)}

    def changed(
        self, rows: Mapping[str, Row], known: Mapping[str, bytes]
    ) -> tuple[list[Row], dict[str, bytes]]:
        """Of the rows by key those whose hash is not the known one, and the hashes by which they will be known."""
        hashes = {key: self.hash_of(row) for key, row in rows.items()}
        fresh = {key: value for key, value in hashes.items() if known.get(key) != value}
        return [rows[key] for key in fresh], fresh
