"""What a connection of the type ``http`` needs, and the connector made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from hookstation.connectors.http.connector import HttpConnector, HttpSettings
from hookstation.connectors.http.paging import NONE, Paging
from hookstation.connectors.outside import Outside, unreachable
from hookstation.core.definitions import Connection
from hookstation.core.documents.certificates import certificate_problems
from hookstation.core.documents.credentials import (
    VARIANTS,
    check_credentials,
    credentials_header,
    credentials_of,
)
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.outgoing.definitions import ClientTls, Credentials
from hookstation.core.values import Secret
from hookstation.errors import Invalid, Problem
from hookstation.ports.sender import Tls

ITEMS: Final = Setting(
    "items",
    Kind.TEXT,
    default="",
    help="Where the list of items stands in a page, with dots between; left out: the page itself is the list.",
    example="data.members",
)
SIZE: Final = (
    Setting(
        "size_parameter", Kind.TEXT, default="", help="What carries the size of a page.", example="limit"
    ),
    Setting(
        "size", Kind.INTEGER, default=100, minimum=1, maximum=100_000, help="Items to ask for in a page."
    ),
)
PAGING: Final = {
    NONE: (ITEMS,),
    "next_link": (
        ITEMS,
        Setting(
            "field",
            Kind.TEXT,
            default="",
            help="Where the address of the next page stands; left out: in the header `Link`, as rel=next.",
            example="links.next",
        ),
        *SIZE,
    ),
    "page": (
        ITEMS,
        Setting("parameter", Kind.TEXT, default="page", help="What carries the page's number."),
        Setting("first", Kind.INTEGER, default=1, minimum=0, maximum=1, help="The number of the first page."),
        *SIZE,
    ),
    "offset": (
        ITEMS,
        Setting(
            "parameter", Kind.TEXT, default="offset", help="What carries the number of items to pass over."
        ),
        *SIZE,
    ),
    "cursor": (
        ITEMS,
        Setting("field", Kind.TEXT, required=True, help="Where the next cursor stands.", example="meta.next"),
        Setting("parameter", Kind.TEXT, default="cursor", help="What carries it to the next page."),
        *SIZE,
    ),
}

SPEC: Final = (
    Setting(
        "url",
        Kind.URL,
        required=True,
        help="Address of the interface; steps say what is below it.",
        example="https://api.example.org/v1",
    ),
    Setting(
        "networks",
        Kind.NETWORKS,
        default=[],
        help="Private networks that this connection may reach. Public addresses need no entry.",
        example=["10.20.0.0/16"],
    ),
    Setting(
        "ports",
        Kind.PORTS,
        default=[],
        help="The ports that it may reach; left out, all that are usual.",
        example=[8443],
    ),
    Setting(
        "timeout", Kind.DURATION, default="30s", minimum=1, maximum=600, help="Longest wait for one answer."
    ),
    Setting(
        "headers",
        Kind.MAPPING,
        default={},
        maximum=50,
        help="Headers that go with each call. They are no place for secrets: choose an `authentication` for those.",
        example={"X-Tenant": "north"},
    ),
    Setting(
        "authentication",
        Kind.CHOICE,
        default=NONE,
        choices=tuple(VARIANTS),
        help="How the station proves itself; the settings below belong to one or the other way.",
    ),
    *(
        replace(setting, required=False, help=f"With `{way}`: {setting.help[:1].lower()}{setting.help[1:]}")
        for way, settings in VARIANTS.items()
        for setting in settings
    ),
    Setting(
        "tls_certificate",
        Kind.TEXT,
        maximum=65_536,
        help="The station's own certificate and its chain, as PEM.",
    ),
    Setting("tls_key", Kind.SECRET, help="The key of that certificate, without a passphrase."),
    Setting(
        "tls_authorities",
        Kind.TEXT,
        maximum=65_536,
        help="Whom to trust instead of the public authorities, as PEM.",
    ),
    Setting(
        "proxy",
        Kind.SECRET,
        help="The URL of an HTTP proxy, `http://USER:PASSWORD@HOST:PORT`. The guard then judges the proxy alone.",
    ),
    Setting(
        "pages",
        Kind.ONE_OF,
        default={"type": NONE},
        variants=PAGING,
        help="How one page leads to the next, where a step asks for all of them.",
        example={"type": "next_link", "items": "data", "field": "links.next"},
    ),
    Setting("check_path", Kind.TEXT, help="What is asked for when the connection is tried.", example="me"),
)


def build(connection: Connection, outside: Outside) -> HttpConnector:
    """The connector of a decoded connection. Raises `Invalid` where its settings do not fit together."""
    values = Values({**connection.settings, **connection.secrets})
    way = values.text("authentication") or NONE
    problems = list(_missing(way, values))
    if problems:
        raise Invalid(problems)
    credentials = credentials_of(Values({**values, "type": way}))
    tls = ClientTls(
        values.text("tls_certificate"), connection.secrets.get("tls_key"), values.text("tls_authorities")
    )
    problems = list(_wrong(values, credentials, tls))
    if problems:
        raise Invalid(problems)
    settings = HttpSettings(
        values.text("url"),
        values.texts("networks"),
        _ports(connection),
        values.seconds("timeout"),
        _headers(connection),
        credentials,
        Tls(tls.certificate, tls.key, tls.authorities) if tls != ClientTls() else None,
        connection.secrets.get("proxy"),
        _paging(connection),
        values.text("check_path"),
    )
    return HttpConnector(connection.name, settings, outside)


def _missing(way: str, values: Values) -> Iterator[Problem]:
    for setting in VARIANTS[way]:
        if setting.required and not values.get(setting.name):
            yield Problem((setting.name,), f"is missing: `authentication: {way}` needs it.")


def _wrong(values: Values, credentials: Credentials, tls: ClientTls) -> Iterator[Problem]:
    yield from check_credentials(credentials)
    parts = urlsplit(values.text("url"))
    refused = "" if values.get("proxy") else unreachable(parts.hostname or "", values.texts("networks"))
    if refused:
        yield Problem(("url",), refused)
    for problem in certificate_problems(tls):
        place = (f"tls_{problem.path[0]}",) if problem.path else ("tls_certificate",)
        yield Problem(place, problem.message, problem.severity)
    proof = credentials_header(credentials)
    headers = values.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if not isinstance(value, str) or name.lower() in (proof, "host", "content-length"):
            yield Problem(("headers", name), "must be text, and no header that the station sets itself.")
    proxy = values.get("proxy")
    if isinstance(proxy, Secret) and urlsplit(proxy.reveal()).scheme != "http":
        yield Problem(("proxy",), "is not the address of an HTTP proxy; write http://HOST:PORT.")


def _ports(connection: Connection) -> tuple[int, ...]:
    found = connection.settings.get("ports")
    return tuple(one for one in found if isinstance(one, int)) if isinstance(found, list) else ()


def _headers(connection: Connection) -> dict[str, str]:
    found = connection.settings.get("headers")
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _paging(connection: Connection) -> Paging:
    found = connection.settings.get("pages")
    if not isinstance(found, dict):
        return Paging()
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    numbers = {name: value for name, value in found.items() if isinstance(value, int)}
    return Paging(
        texts.get("type", NONE),
        texts.get("items", ""),
        texts.get("field", ""),
        texts.get("parameter", ""),
        numbers.get("first", 1),
        texts.get("size_parameter", ""),
        numbers.get("size", 100),
    )
