"""A mail server that takes mail."""

from __future__ import annotations

from collections.abc import Sequence

from hookstation.connectors.hosts import Place, with_details
from hookstation.connectors.smtp.message import compose
from hookstation.connectors.smtp.session import Account, Security, conversation, hand_over
from hookstation.connectors.system import SystemConnector
from hookstation.ports.clock import Clock
from hookstation.ports.mail import Mail


class SmtpMail(SystemConnector):
    """`ports.mail.MailConnector` with a conversation of its own for each mail."""

    def __init__(self, name: str, place: Place, account: Account, sender: str, clock: Clock) -> None:
        super().__init__(name, "SMTP")
        self._place, self._account, self._sender, self._clock = place, account, sender, clock

    async def check(self) -> str:
        """Sign in, and send nothing."""
        with with_details():
            async with conversation(self._place, self._account) as client:
                await client.noop()
        entered = f"signed in as {self._account.username}" if self._account.username else "not signed in"
        secured = "not encrypted" if self._account.security is Security.NONE else "encrypted"
        return f"Connected, {entered}; the connection is {secured}."

    async def send(self, mail: Mail) -> Sequence[str]:
        """Hand a mail over; see the port."""
        envelope = compose(mail, self._sender, self._clock.now())
        async with conversation(self._place, self._account) as client:
            return await hand_over(client, envelope)
