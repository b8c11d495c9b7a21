"""Every secret that is configured, by the place that it is for."""

from __future__ import annotations

from hookstation.core.definitions import Configuration, NoAuthentication
from hookstation.core.documents.credentials import credentials_values
from hookstation.core.documents.destination_secrets import known_destination_secrets
from hookstation.core.documents.secrets import connection_purpose, transfer_purpose, webhook_purpose
from hookstation.core.transfers.definitions import HttpTarget, Transfer
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
        found |= _transfer_secrets(transfer)
    for destination in configuration.destinations.values():
        found |= known_destination_secrets(destination)
    return found


def _transfer_secrets(transfer: Transfer) -> dict[str, Secret]:
    if not isinstance(transfer.destination, HttpTarget):
        return {}
    place = f"{transfer_purpose(transfer.name)}/destination/authentication"
    values = credentials_values(transfer.destination.credentials)
    return {f"{place}/{name}": one for name, one in values.items() if isinstance(one, Secret)}
