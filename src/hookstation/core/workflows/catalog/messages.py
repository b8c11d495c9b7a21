"""Steps that tell others."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.workflows.catalog.common import TRIGGER, connection
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

_LONGEST: Final = 65_536

MESSAGES: Final = (
    StepSpec(
        "mail",
        "E-mail",
        "Sends a mail.",
        Group.MESSAGES,
        Reach.ELSEWHERE,
        settings=(
            connection("The `smtp` connection.", "mail"),
            Setting(
                "to",
                Kind.JSON,
                required=True,
                help="To whom: an address, several with commas between, or a list.",
                example="$$trigger.email$$",
            ),
            Setting("cc", Kind.JSON, help="Who gets a copy, as `to`."),
            Setting(
                "subject",
                Kind.TEXT,
                required=True,
                maximum=_LONGEST,
                help="The subject.",
                example="Thank you, $$trigger.first$$",
            ),
            Setting("text", Kind.TEXT, maximum=_LONGEST, help="The mail as plain text."),
            Setting("html", Kind.TEXT, maximum=_LONGEST, help="The mail as HTML."),
            Setting(
                "attachments",
                Kind.JSON,
                help="A list of files: each a file that an earlier step fetched, or an object with `name`, `type` "
                "(optional) and `content` (a text).",
                example=[{"name": "members.csv", "content": "$$steps.convert.text$$"}],
            ),
        ),
        templates=frozenset({"to", "cc", "subject", "text", "html", "attachments"}),
        output="sent",
        holds="To whom it went, and which addresses the server refused.",
        sample={"to": ["ann@example.org"], "refused": [], "message_id": "<01KAP2M8C0@example.org>"},
        connections=frozenset({"smtp"}),
    ),
    StepSpec(
        "emit",
        "Emit an event",
        "Raises an event of the station: subscriptions deliver it, and workflows with the trigger `event` begin.",
        Group.MESSAGES,
        Reach.HERE,
        settings=(
            Setting(
                "type",
                Kind.TEXT,
                required=True,
                maximum=1_000,
                help="The type: words with dots between them, the first none of the station's own.",
                example="order.paid",
            ),
            Setting("payload", Kind.JSON, default=TRIGGER, help="What it says: any JSON."),
        ),
        templates=frozenset({"type", "payload"}),
        output="event_id",
        holds="The id of the event.",
        sample="01KAP2M8C0EXAMPLE000000004",
    ),
)
