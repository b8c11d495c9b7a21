"""A mail as text for the wire (RFC 5322, RFC 2045), with nothing in its headers that was not meant to be there."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from hookstation.errors import Terminal
from hookstation.ports.mail import Attachment, Mail

PLAIN: Final = SMTP.clone(cte_type="7bit")
"""Every server takes it, whatever it offers."""

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")
ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s@<>,;:()\[\]\\\"]{1,253}")
"""Mailboxes as people have them: dot-atoms of RFC 5322, whose dots we leave to the server."""
NAMED: Final = re.compile(r"([^<>]*)<([^<>]*)>")
MEDIA_TYPE: Final = re.compile(r"([A-Za-z0-9!#$&^_.+-]{1,127})/([A-Za-z0-9!#$&^_.+-]{1,127})")
MESSAGE_ID: Final = re.compile(r"<[^\s<>@]{1,400}@[^\s<>@]{1,253}>")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a server is given: who sends, to whom, and the message with CRLF."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


def read_address(text: str) -> Address:
    """An address, alone or behind words. Raises `Terminal` where it is none, or more than one."""
    if CONTROL.search(text):
        raise Terminal("An address holds a line break or a control character; nothing was sent.")
    found = NAMED.fullmatch(text.strip())
    name, address = (found[1].strip().strip('"'), found[2]) if found else ("", text.strip())
    local, _, domain = address.rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        plain = ""
    if not ADDRESS.fullmatch(plain):
        raise Terminal(
            f"“{text[:100]}” is no address of a mail; write name@host or Words <name@host>, one each."
        )
    return Address(name, addr_spec=plain)


def compose(mail: Mail, sender: str, now: int) -> Envelope:
    """The mail as it goes out. `sender` where the mail names none; `now`: microseconds, for its date.

    Raises `Terminal` for what cannot stand in a mail.
    """
    author = read_address(mail.sender or sender)
    to, cc, bcc = (tuple(read_address(one) for one in part) for part in (mail.to, mail.cc, mail.bcc))
    recipients = tuple(dict.fromkeys(one.addr_spec for one in (*to, *cc, *bcc)))
    if not recipients:
        raise Terminal("The mail has no recipient; give at least one address in `to`.")
    message = EmailMessage(PLAIN)
    try:
        message["From"] = author
        message["To"] = to or None
        if cc:
            message["Cc"] = cc
        if mail.reply_to:
            message["Reply-To"] = read_address(mail.reply_to)
        message["Subject"] = _one_line(mail.subject, "subject")
        message["Date"] = format_datetime(datetime.fromtimestamp(now // 1_000_000, UTC))
        message["Message-ID"] = _message_id(mail, author)
        _fill(message, mail)
        return Envelope(author.addr_spec, recipients, message.as_bytes())
    except (ValueError, MessageError, LookupError) as error:
        raise Terminal(
            "The mail cannot be put together; look at its headers and texts.", detail=str(error)
        ) from None


def _message_id(mail: Mail, author: Address) -> str:
    given = mail.message_id or f"<{secrets.token_hex(16)}@{author.domain}>"
    if not MESSAGE_ID.fullmatch(given):
        raise Terminal("The mail's message_id must be of the form <something@host>, without spaces.")
    return given


def _one_line(text: str, what: str) -> str:
    if CONTROL.search(text):
        raise Terminal(f"The mail's {what} holds a line break or a control character; take it out.")
    return text


def _fill(message: EmailMessage, mail: Mail) -> None:
    if mail.html and not mail.text:
        message.set_content(mail.html, subtype="html")
    else:
        message.set_content(mail.text)
        if mail.html:
            message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        _attach(message, attachment)


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    kind = MEDIA_TYPE.fullmatch(attachment.type)
    if kind is None:
        raise Terminal(
            f"“{attachment.type[:60]}” is no media type of an attachment; write for instance text/csv."
        )
    name = _one_line(attachment.name, "attachment's name")
    message.add_attachment(attachment.data, maintype=kind[1], subtype=kind[2], filename=name)
