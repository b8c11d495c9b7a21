"""Plain JSON documents, with exactly the names of the config file, and the definitions that they mean."""

from hookstation.core.documents.configuration import (
    check_action_names,
    check_configuration,
    decode_configuration,
    encode_configuration,
)
from hookstation.core.documents.connection import (
    Catalogue,
    carried_elsewhere,
    decode_connection,
    encode_connection,
)
from hookstation.core.documents.destination import decode_destination, encode_destination
from hookstation.core.documents.known import known_secrets
from hookstation.core.documents.links import PLURALS, users_of
from hookstation.core.documents.panel import decode_panel, encode_panel
from hookstation.core.documents.places import with_references
from hookstation.core.documents.poll import decode_poll, encode_poll
from hookstation.core.documents.schedule import decode_schedule, encode_schedule
from hookstation.core.documents.secrets import (
    MASK,
    PersonSecrets,
    SealedSecrets,
)
from hookstation.core.documents.subscription import decode_subscription, encode_subscription
from hookstation.core.documents.transfer import decode_transfer, encode_transfer
from hookstation.core.documents.webhook import decode_webhook, encode_webhook
from hookstation.core.documents.workflow import decode_workflow, encode_workflow

__all__ = [
    "MASK",
    "PLURALS",
    "Catalogue",
    "PersonSecrets",
    "SealedSecrets",
    "carried_elsewhere",
    "check_action_names",
    "check_configuration",
    "decode_configuration",
    "decode_connection",
    "decode_destination",
    "decode_panel",
    "decode_poll",
    "decode_schedule",
    "decode_subscription",
    "decode_transfer",
    "decode_webhook",
    "decode_workflow",
    "encode_configuration",
    "encode_connection",
    "encode_destination",
    "encode_panel",
    "encode_poll",
    "encode_schedule",
    "encode_subscription",
    "encode_transfer",
    "encode_webhook",
    "encode_workflow",
    "known_secrets",
    "users_of",
    "with_references",
]
