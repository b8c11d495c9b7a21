"""E-mail."""

from __future__ import annotations

import mimetypes

from hookstation.core.values import JSON
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.files import content_of
from hookstation.engine.workflows.steps.reading import addresses, items, needed, text
from hookstation.engine.workflows.tasks import Done, Outside, Task, Way
from hookstation.errors import Retriable, Terminal
from hookstation.ports.mail import Attachment, Mail, MailConnector


class SendMail:
    """``mail``: one mail; each try of it has the same id."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def begin(self, task: Task) -> Way:
        """A call."""
        settings = task.settings
        connection = needed(settings, "connection")
        target = mail_of(self._targets, connection)
        to = addresses(settings, "to")
        if not to:
            raise Terminal("“to” is empty: a mail needs an address.")
        mail = Mail(
            to,
            text(settings, "subject"),
            text(settings, "text"),
            text(settings, "html"),
            cc=addresses(settings, "cc"),
            attachments=tuple(_attachment(one) for one in items(settings, "attachments")),
            message_id=message_id(task),
        )

        async def call() -> Done:
            refused = await target.send(mail)
            return Done({"to": list(to), "refused": list(refused), "message_id": mail.message_id})

        return Outside(call, connection=connection)


def mail_of(targets: Targets, connection: str) -> MailConnector:
    """The connection, which has to take mail."""
    target = targets.connectors.get(connection)
    if target is None:
        raise Retriable(f"The connection “{connection}” is not configured any more.")
    if not isinstance(target, MailConnector):
        raise Terminal(f"The connection “{connection}” sends no mail.")
    return target


def message_id(task: Task, what: str = "") -> str:
    """The id of a mail that this step sends, the same for each try."""
    place = "".join(one if one.isalnum() or one in "-_" else "." for one in task.path)
    return f"<{task.run.id}.{place}{what}@hookstation>"


def _attachment(item: JSON) -> Attachment:
    if not isinstance(item, dict):
        raise Terminal("Each attachment is an object with name, type and content or file.")
    data = content_of(item.get("content"), item if "base64" in item else None, "utf-8")
    name = needed(item, "name")
    kind = text(item, "type") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Attachment(name, kind, data)
