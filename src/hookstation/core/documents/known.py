"""Every secret that is configured, by the place that it is for."""

from __future__ import annotations

from hookstation.core.definitions import Configuration, NoAuthentication
from hookstation.core.documents.destination_secrets import known_destination_secrets
from hookstation.core.documents.secrets import connection_purpose, webhook_purpose
from hookstation.core.documents.transfer_secrets import known_transfer_secrets
from hookstation.core.values import Secret


def known_secrets(configuration: Configuration) -> dict[str, Secret]:
    """Every secret of a configuration by its purpose."""
    found: dict[str, Secret] = {}
    for connection in configuration.connections.values():
        for name, secret in connection.secrets.items():
            found[f"{connection_purpose(connection.name)}/{name}"] = secret
    for webhook in configuration.webhooks.values():
        if not isinstance(webhook.authentication, NoAuthentication):
            purpose = f"{webhook_purpose(webhook.name)}/authentication/secret"
            found[purpose] = webhook.authentication.secret
    for transfer in configuration.transfers.values():
        found |= known_transfer_secrets(transfer)
    for destination in configuration.destinations.values():
        found |= known_destination_secrets(destination)
    return found
