"""One file in a zip archive, piece by piece: bytes go in, bytes of the archive come out, and nothing is kept.

The sizes stand behind the file (a data descriptor) because they are not known before it (APPNOTE.TXT 6.3.10,
section 4.3.9), with 64-bit fields so that it may be of any length.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

FIRST_YEAR: Final = 1980
"""A zip archive knows no earlier time (section 4.4.6)."""


class Zipping:
    """An archive that grows. `at`: the file's time, in microseconds since the epoch; it is written as UTC."""

    def __init__(self, name: str, at: int) -> None:
        self._out = _Out()
        self._archive = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)
        entry = zipfile.ZipInfo(name, _dos_time(at))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o640 << 16
        self._member = self._archive.open(entry, "w", force_zip64=True)

    def add(self, data: bytes) -> bytes:
        """More of the file; what of the archive is ready, which may be nothing yet."""
        self._member.write(data)
        return self._out.taken()

    def end(self) -> bytes:
        """The rest of the archive. Nothing can be added any more."""
        self._member.close()
        self._archive.close()
        return self._out.taken()


def zipped(name: str, pieces: Iterable[bytes], at: int) -> Iterator[bytes]:
    """The archive that holds these pieces as one file of this name; see `Zipping`."""
    zipping = Zipping(name, at)
    for piece in pieces:
        if ready := zipping.add(piece):
            yield ready
    yield zipping.end()


class _Out(io.RawIOBase):
    """Where the archive goes; it cannot be gone back in, so that nothing of it has to be kept."""

    def __init__(self) -> None:
        super().__init__()
        self._ready = bytearray()

    def writable(self) -> bool:
        """It is for that."""
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # zipfile writes bytes
        """Keep until it is taken."""
        self._ready += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        ready = bytes(self._ready)
        self._ready.clear()
        return ready


def _dos_time(at: int) -> tuple[int, int, int, int, int, int]:
    moment = datetime.fromtimestamp(at // 1_000_000, UTC)
    year = max(moment.year, FIRST_YEAR)
    return year, moment.month, moment.day, moment.hour, moment.minute, moment.second
