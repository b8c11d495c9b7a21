"""What a connection of the type ``imap`` needs, and the connector made of it."""

from __future__ import annotations

from typing import Final

from hookstation.connectors.hosts import (
    AUTHORITIES,
    host_settings,
    place_of,
    refused_authorities,
    refused_host,
)
from hookstation.connectors.imap.connector import ImapMailbox
from hookstation.connectors.imap.session import Account, Security
from hookstation.connectors.outside import Outside
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.values import Secret
from hookstation.errors import Invalid

SPEC: Final = (
    *host_settings(
        "mail.example.org", None, "Port of the server. Without it 993 for `tls`, 143 for the others."
    ),
    Setting(
        "security",
        Kind.CHOICE,
        default=Security.TLS.value,
        choices=tuple(each.value for each in Security),
        help="`tls`: TLS from the first byte. `starttls`: TLS is asked for before signing in. `none`: everybody on the"
        " way can read along, the password too.",
    ),
    AUTHORITIES,
    Setting("username", Kind.TEXT, required=True, help="The account's name.", example="courses@example.org"),
    Setting(
        "password", Kind.SECRET, required=True, help="The account's password.", example="${env:IMAP_PASSWORD}"
    ),
    Setting(
        "largest",
        Kind.SIZE,
        default="25MiB",
        minimum=1 << 10,
        maximum=200 << 20,
        help="Size from which on a mail's head alone is read; its text then says so.",
    ),
)


def build(connection: Connection, _: Outside) -> ImapMailbox:
    """The connector of a decoded connection. Raises `Invalid` where the server could not be reached or proven."""
    values = Values(connection.settings)
    problems = [*refused_host(values), *refused_authorities(values)]
    if problems:
        raise Invalid(problems)
    security = Security(values.text("security"))
    account = Account(
        values.text("username"),
        connection.secrets.get("password", Secret("")),
        security,
        values.text("authorities"),
    )
    place = place_of(values, 993 if security is Security.TLS else 143)
    return ImapMailbox(connection.name, place, account, values.integer("largest"))
