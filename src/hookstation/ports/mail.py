"""E-mail out over SMTP, and mailboxes read over IMAP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hookstation.ports.connector import Connector


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. `type`: its media type."""

    name: str
    type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. Addresses as ``name@host`` or ``Words <name@host>``. `message_id` is the same for each try of it."""

    to: tuple[str, ...]
    subject: str
    text: str = ""
    html: str = ""
    sender: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: str = ""
    attachments: tuple[Attachment, ...] = ()
    message_id: str = ""


@runtime_checkable
class MailConnector(Connector, Protocol):
    """A mail server that takes mail."""

    async def send(self, mail: Mail) -> Sequence[str]:
        """Hand a mail over; the addresses that the server refused, where it took it for others.

        Raises as `RemoteConnector.execute`; `Terminal` where it was refused for everybody.
        """
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """A mail in a mailbox. `uid` grows; `validity` changes where the server counts anew. `at`: microseconds."""

    uid: int
    message_id: str
    at: int
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


@runtime_checkable
class MailboxConnector(Connector, Protocol):
    """A mailbox that is read; nothing in it is changed."""

    async def fetch(
        self, folder: str, validity: int, after: int, limit: int
    ) -> tuple[int, Sequence[Received]]:
        """The folder's validity, and at most `limit` mails with a greater uid, in its order.

        `validity` of the last fetch, 0 for the first: where it is another one now, `after` does not count.
        """
        ...

    async def newest(self, folder: str) -> tuple[int, int]:
        """The folder's validity and greatest uid."""
        ...
