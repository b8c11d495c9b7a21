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
from hookstation.core.documents.panel import decode_panel, encode_panel
from hookstation.core.documents.places import with_references
from hookstation.core.documents.secrets import (
    MASK,
    PersonSecrets,
    SealedSecrets,
)
from hookstation.core.documents.subscription import decode_subscription, encode_subscription
from hookstation.core.documents.webhook import decode_webhook, encode_webhook

__all__ = [
    "MASK",
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
    "decode_subscription",
    "decode_webhook",
    "encode_configuration",
    "encode_connection",
    "encode_destination",
    "encode_panel",
    "encode_subscription",
    "encode_webhook",
    "known_secrets",
    "with_references",
]
