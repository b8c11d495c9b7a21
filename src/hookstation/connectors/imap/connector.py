"""A mailbox that is read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hookstation.connectors.hosts import Place, with_details
from hookstation.connectors.imap.parse import read_mail
from hookstation.connectors.imap.session import Account, Conversation, Security, conversation
from hookstation.connectors.system import SystemConnector
from hookstation.ports.mail import Received


class ImapMailbox(SystemConnector):
    """`ports.mail.MailboxConnector` with a conversation of its own for each call.

    `largest`: bytes of a mail from which on its head alone is read.
    """

    def __init__(self, name: str, place: Place, account: Account, largest: int) -> None:
        super().__init__(name, "IMAP")
        self._place, self._account, self._largest = place, account, largest

    async def check(self) -> str:
        """Sign in and open INBOX."""
        with with_details():
            await self.newest("INBOX")
        secured = "not encrypted" if self._account.security is Security.NONE else "encrypted"
        return f"Signed in as {self._account.username}, and INBOX can be read; the connection is {secured}."

    async def fetch(
        self, folder: str, validity: int, after: int, limit: int
    ) -> tuple[int, Sequence[Received]]:
        """The folder's validity, and the mails behind a uid; see the port."""
        async with conversation(self._place, self._account) as (server, thread):
            now, _ = await thread.run(lambda: server.examine(folder))
            begin = after if validity in (0, now) else 0
            uids = await thread.run(lambda: server.uids_after(begin))
            mails = [await thread.run(partial(self._read, server, uid)) for uid in uids[:limit]]
        return now, mails

    async def newest(self, folder: str) -> tuple[int, int]:
        """The folder's validity and greatest uid; see the port."""
        async with conversation(self._place, self._account) as (server, thread):
            validity, next_uid = await thread.run(lambda: server.examine(folder))
            if next_uid:
                return validity, next_uid - 1
            return validity, max(await thread.run(lambda: server.uids_after(0)), default=0)

    def _read(self, server: Conversation, uid: int) -> Received:
        size = server.size_of(uid)
        if size <= self._largest:
            return read_mail(uid, *server.mail(uid))
        at, head = server.mail(uid, "HEADER")
        note = (
            f"This mail of {size:,} bytes is larger than the connection's `largest` of {self._largest:,}; its head"
            " alone was read."
        )
        mail = read_mail(uid, at, head)
        return Received(uid, mail.message_id, at, mail.sender, mail.to, mail.subject, note, "")
