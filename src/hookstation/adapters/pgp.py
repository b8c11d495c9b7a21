"""OpenPGP by Sequoia (the extra ``pgp``), in a process of its own for each stream."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from hookstation.adapters import pgp_child
from hookstation.errors import Retriable, Terminal

PIECE: Final = 1 << 18
CHILD: Final = str(Path(pgp_child.__file__))
ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Secrets such as the master key may stand in the environment; the child gets no more of it than this."""

MISSING: Final = "PGP needs a library that is not installed: install hookstation with its extra “pgp”."
UNREADABLE: Final = (
    "This is no public PGP key: paste the whole text from “-----BEGIN PGP PUBLIC KEY BLOCK-----” to its end."
)
PRIVATE: Final = (
    "This is a private PGP key. Keep it to yourself, and paste the public one that belongs to it."
)


class PgpEncrypting:
    """`ports.encrypting.Encrypting`."""

    def problem(self, key: str) -> str:
        """What is wrong with a public key; see the port."""
        try:
            from pysequoia import Cert
        except ImportError:
            return MISSING
        if "PRIVATE KEY BLOCK" in key:
            return PRIVATE
        try:
            read = Cert.from_bytes(key.encode())
        except (RuntimeError, ValueError, TypeError):
            return UNREADABLE
        return (
            "This PGP key was revoked by its owner; ask for the one that is in use now."
            if read.is_revoked
            else ""
        )

    async def encrypt(self, pieces: AsyncIterator[bytes], keys: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """The encrypted stream; see the port."""
        for key in keys:
            if wrong := self.problem(key):
                raise Terminal(wrong)
        if not keys:
            raise Terminal("PGP needs at least one public key to encrypt for.")
        child = await _start(keys)
        feeding = asyncio.ensure_future(_feed(child, pieces))
        try:
            assert child.stdout is not None
            while piece := await child.stdout.read(PIECE):
                yield piece
            await _end(child, feeding)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await _let_go(child)


async def _start(keys: Sequence[str]) -> Process:
    environment = {name: value for name in ENVIRONMENT if (value := os.environ.get(name))}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-I", CHILD, *keys, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment
    )


async def _feed(child: Process, pieces: AsyncIterator[bytes]) -> None:
    """Give it everything. A source that fails ends the child, so that nothing of half a file looks whole."""
    assert child.stdin is not None
    try:
        async for piece in pieces:
            child.stdin.write(piece)
            await child.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # it has ended; how is seen where its output ends
    except BaseException:
        with suppress(ProcessLookupError):
            child.kill()
        raise
    child.stdin.close()


async def _end(child: Process, feeding: asyncio.Future[None]) -> None:
    await feeding
    status = await child.wait()
    if status > 0:
        raise Terminal(
            "One of the PGP keys cannot be encrypted for: it may have expired, or be for signing alone."
        )
    if status < 0:
        raise Retriable("The process that encrypts was ended from outside.")


async def _let_go(child: Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
