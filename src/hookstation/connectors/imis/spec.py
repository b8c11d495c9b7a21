"""What a connection of the type ``imis`` needs, and the connector made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from hookstation.connectors.imis.client import Reach
from hookstation.connectors.imis.connector import ImisConnector, ImisSettings
from hookstation.connectors.imis.dialect import AUTO
from hookstation.connectors.imis.token import Credentials
from hookstation.connectors.outside import Outside, unreachable
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.values import Secret
from hookstation.errors import Invalid, Problem

SPEC: Final = (
    Setting(
        "url",
        Kind.URL,
        required=True,
        help="Address of the REST interface: everything before `/token` and `/api`.",
        example="https://members.example.org/asi.scheduler_imis",
    ),
    Setting(
        "networks",
        Kind.NETWORKS,
        default=[],
        help="Private networks that this connection may reach. Public addresses need no entry.",
        example=["10.20.0.0/16"],
    ),
    Setting("username", Kind.TEXT, help="The service account's name.", example="hookstation"),
    Setting("password", Kind.SECRET, help="The service account's password.", example="${env:IMIS_PASSWORD}"),
    Setting(
        "client_id",
        Kind.TEXT,
        help="Client id of an SSO app, instead of a name and password.",
        example="hookstation-app",
    ),
    Setting("client_secret", Kind.SECRET, help="Secret of the SSO app.", example="${env:IMIS_CLIENT_SECRET}"),
    Setting(
        "refresh_token",
        Kind.SECRET,
        help="Refresh token that the SSO app was given.",
        example="${env:IMIS_REFRESH_TOKEN}",
    ),
    Setting(
        "zone",
        Kind.ZONE,
        default="UTC",
        help="Local time of the iMIS server: date-times are sent in it, without a zone.",
        example="America/Chicago",
    ),
    Setting(
        "timeout",
        Kind.DURATION,
        default="30s",
        minimum=1,
        maximum=600,
        help="Longest wait for one answer. An insert takes one call, an upsert two or more.",
    ),
    Setting(
        "settle_after",
        Kind.DURATION,
        default="5m",
        minimum=1,
        maximum=86_400,
        help="After an unknown outcome, the time from which “not found” is believed. It must be longer than the"
        " longest time that iMIS itself may take over a call.",
    ),
    Setting(
        "dialect",
        Kind.CHOICE,
        default=AUTO,
        choices=(AUTO, "PartyId", "ID"),
        help="Name of the property that holds an activity's person. `auto` asks the target's own description.",
    ),
)


def build(connection: Connection, outside: Outside) -> ImisConnector:
    """The connector of a decoded connection.

    Raises `Invalid` where it has neither a whole account nor a whole SSO app, where the url is an address that it may
    not call, or where `settle_after` would believe that nothing was written while the call itself may still run.
    """
    values = Values(connection.settings)
    credentials = _credentials(values, connection.secrets)
    timeout, settle_after = values.seconds("timeout"), values.seconds("settle_after")
    problems = _missing(credentials)
    problems += _unreachable(values.text("url"), values.texts("networks"))
    if settle_after <= timeout:
        problems.append(Problem(("settle_after",), "must be longer than `timeout`; 5m is usual."))
    if problems:
        raise Invalid(problems)
    settings = ImisSettings(
        Reach(values.text("url"), values.texts("networks"), timeout),
        values.text("zone"),
        settle_after,
        values.text("dialect"),
    )
    return ImisConnector(connection.name, settings, credentials, outside.http, outside.clock)


def _credentials(values: Values, secrets: Mapping[str, Secret]) -> Credentials:
    return Credentials(
        values.text("username"),
        secrets.get("password"),
        values.text("client_id"),
        secrets.get("client_secret"),
        secrets.get("refresh_token"),
    )


def _unreachable(url: str, networks: tuple[str, ...]) -> list[Problem]:
    """What the address guard would say of a url whose host is an address; a name is judged when it is looked up."""
    refused = unreachable(urlsplit(url).hostname or "", networks)
    return [Problem(("url",), refused)] if refused else []


def _missing(credentials: Credentials) -> list[Problem]:
    app = {
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "refresh_token": credentials.refresh_token,
    }
    account = {"username": credentials.username, "password": credentials.password}
    chosen, kind = (app, "an SSO app") if any(app.values()) else (account, "an account")
    return [
        Problem((name,), f"is missing: {kind} needs {' and '.join(chosen)}.")
        for name, value in chosen.items()
        if not value
    ]
