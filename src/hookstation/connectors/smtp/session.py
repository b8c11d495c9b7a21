"""A conversation with a mail server, and what its answers mean (RFC 5321, section 4.2)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

import aiosmtplib

from hookstation.connectors.hosts import Place, connect, refused_tls, tls_context
from hookstation.connectors.smtp.message import Envelope
from hookstation.core.values import Secret
from hookstation.errors import ActionFailed, Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome

FOREIGN: Final = (aiosmtplib.SMTPException, OSError, ValueError)
"""Everything that aiosmtplib lets out of a conversation."""
NOT_OFFERED: Final = (aiosmtplib.SMTPNotSupported, aiosmtplib.SMTPException)
"""What is raised for an extension that the server lacks; the second one as it is, not as a class of others."""


class Security(StrEnum):
    """How the connection is secured."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in, and how. `username` may be empty: then nobody does. `authorities`: PEM, empty for public ones."""

    username: str = ""
    password: Secret | None = None
    security: Security = Security.STARTTLS
    authorities: str = ""


@asynccontextmanager
async def conversation(place: Place, account: Account) -> AsyncIterator[aiosmtplib.SMTP]:
    """A server that has let us in. Raises `ActionFailed`, also for what fails inside."""
    connected = await connect(place)
    client = aiosmtplib.SMTP(
        hostname=place.host,
        sock=connected,
        local_hostname=_own_name(connected),
        timeout=place.timeout,
        use_tls=account.security is Security.TLS,
        start_tls=account.security is Security.STARTTLS,
        tls_context=None if account.security is Security.NONE else tls_context(account.authorities),
    )
    try:
        await client.connect()
        if account.username:
            password = account.password.reveal() if account.password else ""
            await client.login(account.username, password)
        yield client
        with suppress(*FOREIGN):
            await client.quit()
    except FOREIGN as error:
        raise translate(error) from None
    finally:
        _hang_up(client, connected)


async def hand_over(client: aiosmtplib.SMTP, envelope: Envelope) -> list[str]:
    """Give a mail to the server; the recipients that it refuses. Raises `ActionFailed` and what aiosmtplib raises.

    When the message itself is sent and no answer comes, it may be on its way.
    """
    await client.mail(envelope.sender)
    refused: list[aiosmtplib.SMTPRecipientRefused] = []
    for recipient in envelope.recipients:
        try:
            await client.rcpt(recipient)
        except aiosmtplib.SMTPRecipientRefused as no:
            refused.append(no)
    if len(refused) == len(envelope.recipients):
        raise _everybody(refused)
    try:
        await client.data(envelope.data)
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as lost:
        raise UnknownOutcome(
            "The mail was sent, but the server did not say that it took it.", detail=str(lost)
        ) from None
    return [no.recipient for no in refused]


def translate(error: Exception) -> ActionFailed:
    """What a foreign error means, before a message was sent."""
    detail = f"{type(error).__name__}: {error}"
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    match cause:
        case ssl.SSLError():
            return refused_tls(cause)
        case aiosmtplib.SMTPAuthenticationError() if _lasts(cause):
            return NeedsAuth(
                "The mail server refuses the account: look at its name and password.", detail=detail
            )
        case aiosmtplib.SMTPException() if type(cause) in NOT_OFFERED:
            return Terminal(
                "The mail server does not offer what the connection asks for: look at `security` and `username`.",
                detail=detail,
            )
        case aiosmtplib.SMTPResponseException() if not _lasts(cause):
            return Busy("The mail server wants to be asked later.", detail=detail)
        case aiosmtplib.SMTPSenderRefused():
            return Terminal(
                "The mail server does not take mails from this sender; look at `sender`.", detail=detail
            )
        case aiosmtplib.SMTPResponseException():
            return Terminal("The mail server refused the mail; the log says why.", detail=detail)
        case TimeoutError():
            return Retriable("The mail server did not answer in time; nothing was sent.", detail=detail)
        case _:
            return Retriable("The connection to the mail server broke; nothing was sent.", detail=detail)


def _hang_up(client: aiosmtplib.SMTP, connected: socket.socket) -> None:
    """End the connection at once: a server that keeps silent is not waited for."""
    if client.transport is None:
        connected.close()
    else:
        cast("asyncio.Transport", client.transport).abort()
    client.close()


def _everybody(refused: list[aiosmtplib.SMTPRecipientRefused]) -> ActionFailed:
    detail = "; ".join(f"{no.recipient}: {no.code} {no.message}" for no in refused)
    if all(_lasts(no) for no in refused):
        return Terminal("The mail server refuses every recipient; look at their addresses.", detail=detail)
    return Busy("The mail server takes the mail for no recipient at the moment.", detail=detail)


def _lasts(error: aiosmtplib.SMTPResponseException) -> bool:
    """Whether sending it again would be answered in the same way."""
    return 500 <= error.code < 600


def _own_name(connected: socket.socket) -> str:
    """The name that we say ours is: our address (RFC 5321, section 4.1.3), for a station may have no name outside."""
    address = connected.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
