"""ftplib on a socket that is connected already, with data connections that take up the TLS session.

Servers ask for that, so that nobody else can pick up the data (vsftpd's ``require_ssl_reuse``, FileZilla Server).
"""

from __future__ import annotations

import ftplib
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum

from hookstation.core.values import Secret


class Security(StrEnum):
    """How the connection is secured."""

    EXPLICIT = "explicit"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in, and how. `authorities`: PEM, empty for the public ones."""

    username: str
    password: Secret
    security: Security = Security.EXPLICIT
    authorities: str = ""


class NoTls(Exception):
    """The server does not offer TLS."""


class FtpClient(ftplib.FTP_TLS):
    """One session. Everything blocks; `context` is ``None`` for plain FTP."""

    def __init__(self, host: str, timeout: float, context: ssl.SSLContext | None) -> None:
        super().__init__(timeout=timeout, encoding="utf-8", context=context or ssl.create_default_context())
        self.host = host
        self._secured = context is not None

    def begin(self, connected: socket.socket, account: Account) -> None:
        """Greet and sign in. Raises `NoTls`, and whatever ftplib raises."""
        connected.settimeout(self.timeout)
        self.sock, self.af = connected, connected.family
        if account.security is Security.IMPLICIT:
            self.sock = self.context.wrap_socket(connected, server_hostname=self.host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        if account.security is Security.EXPLICIT:
            self._secure()
        self.login(account.username, account.password.reveal(), secure=False)
        if self._secured:
            self.prot_p()
        self.voidcmd("TYPE I")

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """A data connection for the command, to the server's own address whatever it says."""
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - TLS is put around it below
        if self._secured:
            assert isinstance(self.sock, ssl.SSLSocket)
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size

    def _secure(self) -> None:
        try:
            self.auth()
        except ftplib.error_perm as refused:
            raise NoTls(str(refused)) from None
