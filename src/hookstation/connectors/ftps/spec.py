"""What a connection of the type ``ftps`` needs, and the connector made of it."""

from __future__ import annotations

from functools import partial
from typing import Final

from hookstation.connectors.filetree import TreeFiles
from hookstation.connectors.ftps.client import Account, Security
from hookstation.connectors.ftps.tree import open_session
from hookstation.connectors.hosts import (
    AUTHORITIES,
    host_settings,
    place_of,
    refused_authorities,
    refused_host,
)
from hookstation.connectors.outside import Outside
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.values import Secret
from hookstation.errors import Invalid

SPEC: Final = (
    *host_settings(
        "ftp.example.org", None, "Port of the server. Without it 990 for `implicit`, 21 for the others."
    ),
    Setting(
        "security",
        Kind.CHOICE,
        default=Security.EXPLICIT.value,
        choices=tuple(each.value for each in Security),
        help="`explicit`: TLS is asked for before signing in. `implicit`: TLS from the first byte. `none`: plain FTP;"
        " password and files can be read by everybody on the way.",
    ),
    AUTHORITIES,
    Setting("username", Kind.TEXT, required=True, help="The account's name.", example="hookstation"),
    Setting(
        "password",
        Kind.SECRET,
        required=True,
        help="The account's password.",
        example="${env:FTP_PASSWORD}",
    ),
    Setting(
        "folder",
        Kind.TEXT,
        help="Folder on the server below which everything lies. Without it, where the account arrives.",
        example="/outgoing/members",
    ),
)


def build(connection: Connection, _: Outside) -> TreeFiles:
    """The connector of a decoded connection. Raises `Invalid` where the server could not be reached or proven."""
    values = Values(connection.settings)
    problems = [*refused_host(values), *refused_authorities(values)]
    if problems:
        raise Invalid(problems)
    security = Security(values.text("security"))
    place = place_of(values, 990 if security is Security.IMPLICIT else 21)
    account = Account(
        values.text("username"),
        connection.secrets.get("password", Secret("")),
        security,
        values.text("authorities"),
    )
    opening = partial(open_session, place, account, values.text("folder"))
    return TreeFiles(connection.name, "FTP" if security is Security.NONE else "FTPS", opening)
