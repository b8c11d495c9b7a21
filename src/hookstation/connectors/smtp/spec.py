"""What a connection of the type ``smtp`` needs, and the connector made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
from hookstation.errors import Invalid, Problem, Terminal

if TYPE_CHECKING:
    from hookstation.connectors.smtp.connector import SmtpMail

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}

SPEC: Final = (
    *host_settings(
        "mail.example.org",
        None,
        "Port of the server. Without it 587 for `starttls`, 465 for `tls` and 25 for `none`.",
    ),
    Setting(
        "security",
        Kind.CHOICE,
        default="starttls",
        choices=tuple(PORTS),
        help="`starttls`: TLS is asked for before anything is said. `tls`: TLS from the first byte. `none`: everybody"
        " on the way can read along, the password too.",
    ),
    AUTHORITIES,
    Setting(
        "username", Kind.TEXT, help="The account's name, where the server wants one.", example="hookstation"
    ),
    Setting("password", Kind.SECRET, help="The account's password.", example="${env:SMTP_PASSWORD}"),
    Setting(
        "sender",
        Kind.TEXT,
        required=True,
        help="From whom mails come that name no sender: an address the server lets this account send from.",
        example="Members' Office <office@example.org>",
    ),
)


def build(connection: Connection, outside: Outside) -> SmtpMail:
    """The connector of a decoded connection. Raises `Invalid` where the server could not be reached or proven."""
    # the library is loaded when a connection of this type is used
    from hookstation.connectors.smtp.connector import SmtpMail
    from hookstation.connectors.smtp.message import read_address
    from hookstation.connectors.smtp.session import Account, Security

    values, password = Values(connection.settings), connection.secrets.get("password")
    problems = [*refused_host(values), *refused_authorities(values)]
    if values.text("username") and not password:
        problems.append(Problem(("password",), "is missing: an account needs its password."))
    try:
        read_address(values.text("sender"))
    except Terminal as refused:
        problems.append(Problem(("sender",), refused.message))
    if problems:
        raise Invalid(problems)
    security = Security(values.text("security"))
    account = Account(values.text("username"), password, security, values.text("authorities"))
    place = place_of(values, PORTS[security.value])
    return SmtpMail(connection.name, place, account, values.text("sender"), outside.clock)
