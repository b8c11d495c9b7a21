"""The secrets of transfers: which there are, and which may not follow to another place."""

from __future__ import annotations

from hookstation.core.documents.credentials import credentials_values
from hookstation.core.documents.destination_secrets import origin
from hookstation.core.documents.secrets import transfer_purpose
from hookstation.core.outgoing.definitions import ClientCredentials
from hookstation.core.transfers.definitions import HttpTarget, Transfer
from hookstation.core.values import Secret
from hookstation.errors import Problem

PLACE = ("destination", "authentication")


def secrets_of(transfer: Transfer) -> dict[str, Secret]:
    """Every secret of a transfer by its setting in `PLACE`."""
    if not isinstance(transfer.destination, HttpTarget):
        return {}
    values = credentials_values(transfer.destination.credentials)
    return {name: one for name, one in values.items() if isinstance(one, Secret)}


def known_transfer_secrets(transfer: Transfer) -> dict[str, Secret]:
    """Every secret of a transfer by its purpose."""
    place = "/".join((transfer_purpose(transfer.name), *PLACE))
    return {f"{place}/{name}": one for name, one in secrets_of(transfer).items()}


def transfer_carried_elsewhere(before: Transfer, after: Transfer) -> list[Problem]:
    """Secrets of `before` that `after` would use at another place than the one they were given for.

    See `destination_secrets.destination_carried_elsewhere`.
    """
    if _place(before) == _place(after):
        return []
    old = secrets_of(before)
    message = "was given for another address; send the secret itself again, or leave the address as it was."
    return [
        Problem((*PLACE, name), message) for name, one in secrets_of(after).items() if one is old.get(name)
    ]


def _place(transfer: Transfer) -> tuple[object, ...]:
    """Who gets to see what is sent: the receiver, or a connection, and who issues tokens for it."""
    target = transfer.destination
    if not isinstance(target, HttpTarget):
        return ()
    given = target.credentials
    token_url = given.token_url if isinstance(given, ClientCredentials) else ""
    return target.connection, *(origin(url) for url in (target.url, token_url) if url)
