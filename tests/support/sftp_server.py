"""An SFTP server on loopback whose files lie in a folder of the test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncssh

USER: Final = "hookstation"
PASSWORD: Final = "Grüße aus dem Test"
LOCKED: Final = "locked"


@dataclass
class SftpHost:
    """A running server. `allowed`: public keys that may sign in."""

    root: Path
    allowed: list[asyncssh.SSHKey] = field(default_factory=list)
    posix_rename: bool = True
    key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    port: int = 0
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """Who it is."""
        return self.key.get_fingerprint("sha256")

    def cut(self) -> None:
        """Hang up on everybody."""
        while self.connections:
            self.connections.pop().abort()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SftpHost]:
        """Serve until the end of the block."""
        listener = await asyncssh.create_server(
            lambda: _Door(self),
            "127.0.0.1",
            0,
            server_host_keys=[self.key],
            sftp_factory=lambda channel: _Files(channel, self),
        )
        self.port = listener.get_port()
        try:
            yield self
        finally:
            self.cut()
            listener.close()
            await listener.wait_closed()


class _Door(asyncssh.SSHServer):
    def __init__(self, host: SftpHost) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key in self._host.allowed


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], host: SftpHost) -> None:
        super().__init__(channel, chroot=str(host.root).encode())
        self._host = host

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if f"{LOCKED}/".encode() in path:
            raise asyncssh.SFTPPermissionDenied("not yours")
        return super().open(path, pflags, attrs)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if not self._host.posix_rename:
            raise asyncssh.SFTPOpUnsupported("not offered")
        super().posix_rename(oldpath, newpath)
