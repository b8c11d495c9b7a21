"""An SFTP server in a process of its own: ``python -m benchmarks.moving.sftp_server FOLDER``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.support.sftp_server import SftpHost

KEY_FILE = "host-key"
"""Beside the folder: the fingerprint by which the server is known."""


def _prepare(folder: Path, fingerprint: str) -> None:
    folder.mkdir(exist_ok=True)
    folder.with_name(KEY_FILE).write_text(fingerprint)


async def _serve(folder: Path) -> None:
    host = SftpHost(folder)
    _prepare(folder, host.fingerprint)
    async with host.running():
        sys.stdout.write(f"sftp ready at http://127.0.0.1:{host.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
