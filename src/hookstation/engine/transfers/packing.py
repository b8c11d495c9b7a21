"""What leaves, packed as a ZIP archive and encrypted with OpenPGP where the transfer says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from hookstation.core.formats.zipping import Zipping
from hookstation.core.transfers.definitions import Transfer
from hookstation.ports.encrypting import Encrypting

AHEAD: Final = 4
"""Pieces that may wait to be encrypted."""

Write = Callable[[bytes], Awaitable[None]]

_SUFFIXES: Final = (".pgp", ".gpg", ".asc", ".zip")


class Packing:
    """Takes plain bytes and writes packed ones. `path`: the file's; `at`: its time, microseconds since the epoch."""

    def __init__(self, transfer: Transfer, encrypting: Encrypting, path: str, at: int, write: Write) -> None:
        self._zip = Zipping(inner_name(path, transfer.format.type), at) if transfer.zip else None
        self._encrypted = _Encrypted(encrypting, transfer.pgp, write) if transfer.pgp else None
        self._write = write if self._encrypted is None else self._encrypted.write

    async def write(self, data: bytes) -> None:
        """More of the file. Raises what writing raises, and as `Encrypting.encrypt`."""
        ready = data if self._zip is None else self._zip.add(data)
        if ready:
            await self._write(ready)

    async def end(self) -> None:
        """The rest of it."""
        if self._zip is not None:
            await self._write(self._zip.end())
        if self._encrypted is not None:
            await self._encrypted.end()

    async def stop(self) -> None:
        """Nothing of it is wanted any more."""
        if self._encrypted is not None:
            await self._encrypted.stop()


class _Encrypted:
    """A stream that is encrypted beside whoever writes it."""

    def __init__(self, encrypting: Encrypting, key: str, write: Write) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)
        self._task = asyncio.get_running_loop().create_task(self._pump(encrypting, key, write))

    async def write(self, data: bytes) -> None:
        await self._put(data)

    async def end(self) -> None:
        await self._put(None)
        await self._task

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    async def _put(self, piece: bytes | None) -> None:
        putting = asyncio.ensure_future(self._waiting.put(piece))
        await asyncio.wait({putting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not putting.done():
            putting.cancel()
            await self._task

    async def _pump(self, encrypting: Encrypting, key: str, write: Write) -> None:
        async for piece in encrypting.encrypt(self._pieces(), (key,)):
            await write(piece)

    async def _pieces(self) -> AsyncIterator[bytes]:
        while (piece := await self._waiting.get()) is not None:
            yield piece


async def packed(transfer: Transfer, encrypting: Encrypting, path: str, at: int, data: bytes) -> bytes:
    """A file as it leaves, whole."""
    if not transfer.zip and not transfer.pgp:
        return data
    parts: list[bytes] = []

    async def keep(piece: bytes) -> None:
        parts.append(piece)

    packing = Packing(transfer, encrypting, path, at, keep)
    try:
        await packing.write(data)
        await packing.end()
    finally:
        await packing.stop()
    return b"".join(parts)


def inner_name(path: str, format_: str) -> str:
    """What the file in the archive is called: as the archive, without the endings that say how it is packed."""
    name = path.rpartition("/")[2]
    while name.lower().endswith(_SUFFIXES):
        name = name[:-4]
    ending = {"pipe": "txt"}.get(format_, format_)
    return name if "." in name else f"{name or 'rows'}.{ending}"
