"""A mail server on loopback that keeps what it takes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from hookstation.testing.mail_suite import NOBODY, Taken

USER: Final = "hookstation"
PASSWORD: Final = "Grüße aus dem Test"


@dataclass
class SmtpHost:
    """A running server. `answer`: what it says when it was given a mail; empty: it hangs up instead."""

    context: ssl.SSLContext | None = None
    from_the_first_byte: bool = False
    wants_account: bool = False
    answer: str = "250 taken"
    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    _sessions: list[SMTP] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == NOBODY:
            return "550 nobody of that name"
        if address.startswith("later"):
            return "451 later"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if not self.answer:
            _hang_up(server)
            return "421 gone"
        if self.answer.startswith("2"):
            content = envelope.original_content or b""
            self.taken.append(Taken(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        return self.answer

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SmtpHost]:
        """Serve until the end of the block."""
        outer = self.context if self.from_the_first_byte else None
        server = await asyncio.get_running_loop().create_server(self._session, "127.0.0.1", 0, ssl=outer)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for session in self._sessions:
                _hang_up(session)
            await asyncio.sleep(0)  # house: allow sleep - transports end one turn after they are told to

    def _session(self) -> SMTP:
        inner = None if self.from_the_first_byte else self.context
        session = SMTP(
            self,
            hostname="mail.example.org",
            tls_context=inner,
            require_starttls=inner is not None,
            authenticator=_authenticate,
            auth_required=self.wants_account,
            auth_require_tls=self.context is not None and not self.from_the_first_byte,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.append(session)
        return session


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    known = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=data == known, handled=False)


def _hang_up(session: SMTP) -> None:
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()
