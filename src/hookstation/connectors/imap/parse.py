"""A mail of the wire as a `Received`: read as far as it goes, for whoever sends mail may break every rule."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import compat32, default
from typing import Final

from hookstation.ports.mail import Attachment, Received

BROKEN: Final = (ValueError, LookupError, TypeError, AttributeError)
"""What the standard library lets out of mails that keep no rule."""


def read_mail(uid: int, at: int, raw: bytes) -> Received:
    """The mail. `at`: microseconds at which the server took it. Never raises."""
    message = message_from_bytes(raw, policy=default)
    plain = message_from_bytes(raw, policy=compat32)
    texts, attachments = _parts(message)
    return Received(
        uid,
        _header(message, plain, "Message-ID").strip(),
        at,
        next(iter(_addresses(message, plain, "From")), ""),
        _addresses(message, plain, "To"),
        _header(message, plain, "Subject"),
        texts.get("text/plain", ""),
        texts.get("text/html", ""),
        attachments,
    )


def _parts(message: EmailMessage) -> tuple[dict[str, str], tuple[Attachment, ...]]:
    """The first text of each kind, and everything that is none."""
    texts: dict[str, str] = {}
    attachments: list[Attachment] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind, name = part.get_content_type(), _name(part)
        is_text = (
            kind in ("text/plain", "text/html")
            and not name
            and part.get_content_disposition() != "attachment"
        )
        if is_text and kind not in texts:
            texts[kind] = _text(part)
        elif name or not is_text:
            attachments.append(Attachment(name, kind, _bytes(part)))
    return texts, tuple(attachments)


def _header(message: EmailMessage, plain: Message[str, str], name: str) -> str:
    try:
        return str(message.get(name, ""))
    except BROKEN:
        return str(plain.get(name, ""))


def _addresses(message: EmailMessage, plain: Message[str, str], name: str) -> tuple[str, ...]:
    try:
        header = message.get(name)
        return tuple(str(one) for one in header.addresses) if header is not None else ()
    except BROKEN:
        return (str(plain.get(name, "")),)


def _name(part: Message) -> str:
    try:
        return part.get_filename() or ""
    except BROKEN:
        return ""


def _bytes(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except BROKEN:
        data = b""
    return data if isinstance(data, bytes) else b""


def _text(part: Message) -> str:
    data = _bytes(part)
    try:
        return data.decode(part.get_content_charset("utf-8"), "replace").replace("\r\n", "\n")
    except BROKEN:
        return data.decode("utf-8", "replace").replace("\r\n", "\n")
