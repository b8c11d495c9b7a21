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
from hookstation.core.documents.panel import decode_panel, encode_panel
from hookstation.core.documents.places import with_references
from hookstation.core.documents.secrets import (
    MASK,
    PersonSecrets,
    SealedSecrets,
    known_secrets,
)
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
    "decode_panel",
    "decode_webhook",
    "encode_configuration",
    "encode_connection",
    "encode_panel",
    "encode_webhook",
    "known_secrets",
    "with_references",
]
