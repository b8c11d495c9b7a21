"""A connection as a document. The settings of its type come from the catalogue that wiring hands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from hookstation.core.definitions import Connection
from hookstation.core.documents.secrets import connection_purpose
from hookstation.core.fieldlist import (
    Kind,
    SecretReader,
    SecretWriter,
    Setting,
    Values,
    decode,
    encode,
    listed,
    plain,
    write_rate,
)
from hookstation.core.nearest import did_you_mean
from hookstation.core.rates import Rate
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON, Secret
from hookstation.errors import Problem

Catalogue: TypeAlias = Mapping[str, tuple[Setting, ...]]
"""The types of connection that can be defined, each with its settings; secrets stand at the top level."""

BASE: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        help="What webhooks call it. `records` is the built-in records database and always there.",
        example="imis",
    ),
    Setting("type", Kind.TEXT, required=True, help="What kind of system it is.", example="imis"),
)

PLACE: Final = ("host", "port", "host_key", "security", "tls", "tls_ca", "tls_authorities")
"""Settings that say, beside a URL, whom a connection reaches and who can listen on the way."""


PROXY: Final = "proxy"
"""The secret that says by which way a connection goes, which can read what goes by."""


def settings_of(document: JSON, catalogue: Catalogue) -> tuple[Setting, ...]:
    """The settings that this document may have, by its type; the base ones where the type is unknown."""
    chosen = document.get("type") if isinstance(document, dict) else None
    return (*BASE, *catalogue.get(chosen, ())) if isinstance(chosen, str) else BASE


def decode_connection(
    document: JSON, catalogue: Catalogue, secrets: SecretReader
) -> tuple[Connection | None, list[Problem]]:
    """The connection, ``None`` where anything is wrong, and what is."""
    wrong_type = _check_type(document, catalogue)
    if wrong_type:
        return None, wrong_type
    name = document.get("name") if isinstance(document, dict) else ""
    settings = settings_of(document, catalogue)
    values, problems = decode(settings, document, secrets, connection_purpose(str(name)))
    if name == RECORDS:
        problems.append(
            Problem(("name",), "“records” is the built-in records database; choose another name.")
        )
    if problems:
        return None, problems
    return _connection(values), []


def _check_type(document: JSON, catalogue: Catalogue) -> list[Problem]:
    chosen = document.get("type") if isinstance(document, dict) else None
    if not isinstance(chosen, str) or chosen in catalogue:
        return []
    if chosen == RECORDS:
        return [
            Problem(
                ("type",),
                "the records database is always there as connection “records” and cannot be defined; "
                "remove this.",
            )
        ]
    names = sorted(catalogue)
    return [
        Problem(
            ("type",),
            f"“{chosen[:60]}” is not a type of connection; choose {listed(names)}."
            f"{did_you_mean(chosen, names)}",
        )
    ]


def _connection(values: Values) -> Connection:
    rest = {name: value for name, value in values.items() if name not in ("name", "type")}
    return Connection(
        name=values.text("name"),
        type=values.text("type"),
        settings={name: _plain(value) for name, value in rest.items() if not isinstance(value, Secret)},
        secrets={name: value for name, value in rest.items() if isinstance(value, Secret)},
    )


def _plain(value: object) -> JSON:
    """A connection's settings are JSON; a rate stays the text that `read_rate` reads."""
    return write_rate(value) if isinstance(value, Rate) else plain(value)


def carried_elsewhere(before: Connection, after: Connection, catalogue: Catalogue) -> list[Problem]:
    """Secrets of `before` that `after` would send to another system than the one they were given for.

    A mask that is sent back leaves a secret as it is.  It must not do so where the scheme, host or port of an address
    changed: who may edit a connection, but not read its secrets, could have them sent to himself.
    """
    settings = catalogue.get(after.type, ())
    urls = [setting.name for setting in settings if setting.kind in (Kind.URL, Kind.ENDPOINT)]
    same_place = all(_origin(before.settings.get(name)) == _origin(after.settings.get(name)) for name in urls)
    parts = [setting.name for setting in settings if setting.name in PLACE]
    same_place = same_place and all(before.settings.get(name) == after.settings.get(name) for name in parts)
    same_place = same_place and before.secrets.get(PROXY) == after.secrets.get(PROXY)
    if same_place and before.type == after.type:
        return []
    return [
        Problem(
            (name,),
            f"was given for another {'address' if before.type == after.type else 'type of system'}; send the secret"
            " itself again, or leave the connection where it is.",
        )
        for name, secret in after.secrets.items()
        if secret is before.secrets.get(name)
    ]


def _origin(url: JSON) -> tuple[str, str, int | None] | None:
    """Whom a URL reaches: scheme, host and port."""
    if not isinstance(url, str):
        return None
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or usual


def encode_connection(
    connection: Connection, catalogue: Catalogue, secrets: SecretWriter, *, defaults: bool = False
) -> dict[str, JSON]:
    """The document of a connection, with what is default or without."""
    values: dict[str, object] = {
        "name": connection.name,
        "type": connection.type,
        **connection.settings,
        **connection.secrets,
    }
    settings = (*BASE, *catalogue.get(connection.type, ()))
    return encode(settings, values, secrets, connection_purpose(connection.name), defaults=defaults)
