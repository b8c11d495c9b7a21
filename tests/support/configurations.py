"""A catalogue, a whole configuration document, and strategies for more of them."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hookstation.core.definitions import (
    Access,
    Action,
    Authentication,
    Configuration,
    Connection,
    Duplicates,
    HmacAuthentication,
    Limits,
    NoAuthentication,
    Panel,
    StandardWebhooksAuthentication,
    TokenAuthentication,
    Webhook,
    WebhookState,
)
from hookstation.core.documents import Catalogue, decode_panel
from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.outgoing.definitions import (
    Bearer,
    Body,
    BodyForm,
    Destination,
    DestinationMode,
    NoCredentials,
    NoSigning,
    StandardSigning,
    Subscription,
)
from hookstation.core.rates import Rate
from hookstation.core.records import RECORDS
from hookstation.core.standard_keys import SEED, new_standard_secret
from hookstation.core.values import JSON, Number, Secret

CATALOGUE: Final[Catalogue] = {
    "imis": (
        Setting("url", Kind.URL, required=True),
        Setting("networks", Kind.NETWORKS),
        Setting("username", required=True),
        Setting("password", Kind.SECRET, required=True),
        Setting("zone", Kind.ZONE, default="UTC"),
        Setting("pause", Kind.DURATION, default="5m"),
    ),
    "shelf": (Setting("rate", Kind.RATE, default="10/s"),),
}


def course_document() -> dict[str, JSON]:
    """The document of the contract's example, fresh each time."""
    return {
        "version": 1,
        "connections": [
            {
                "name": "imis",
                "type": "imis",
                "url": "http://127.0.0.1:8090",
                "networks": ["127.0.0.0/8"],
                "username": "manager",
                "password": "open sesame",
                "zone": "America/Chicago",
            }
        ],
        "panels": [
            {
                "name": "ABC_Courses",
                "parent": "party",
                "instances": "multi",
                "fields": {
                    "CourseCode": {"type": "string", "length": 20, "required": True},
                    "Grade": {"type": "string", "length": 10, "values": ["pass", "fail"]},
                    "CompletedOn": {"type": "date"},
                    "Credits": {"type": "decimal"},
                },
            }
        ],
        "webhooks": [webhook_document()],
    }


def webhook_document() -> dict[str, JSON]:
    """The webhook of the contract's example, fresh each time."""
    return {
        "name": "course-completions",
        "title": "Course completions",
        "state": "active",
        "answer": "outcome",
        "authentication": {"type": "token", "header": "X-Token", "secret": "t0ken"},
        "access": {"allow": ["203.0.113.0/24"], "rate": "100/s"},
        "duplicates": {"key": "header:webhook-id", "window": "7d"},
        "limits": {"body": "1MiB", "time": "25s"},
        "schema": {
            "type": "object",
            "properties": {"memberId": {"type": "string"}},
            "required": ["memberId"],
        },
        "action": {
            "type": "insert_activity",
            "connection": "imis",
            "fields": {"ActivityType": "TEST", "ID": "$$memberId$$", "Note": "$$firstName$$, $$lastName$$"},
        },
    }


texts: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=40
)
names: Final = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
tokens: Final = st.from_regex(r"[!-~]{1,20}", fullmatch=True).filter(lambda text: "${" not in text)
numbers: Final = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12}|[eE][-+]?[0-9]{1,2})", fullmatch=True)
scalars: Final[SearchStrategy[JSON]] = st.none() | st.booleans() | st.integers() | texts | numbers.map(Number)
documents: Final[SearchStrategy[JSON]] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


def _secret(text: str, variable: str) -> Secret:
    """One without reference, or one whose variable holds always the same."""
    return Secret(value_of(variable), f"${{env:{variable}}}") if variable else Secret(text)


def value_of(variable: str) -> str:
    """What an environment variable holds in these tests."""
    return f"what {variable} holds"


secrets: Final = st.builds(_secret, tokens, st.just("") | st.from_regex(r"[A-Z]{3}", fullmatch=True))
headers: Final = st.from_regex(r"[A-Za-z-]{1,12}", fullmatch=True)


def _standard(data: bytes, tolerance: int) -> Authentication:
    return StandardWebhooksAuthentication(Secret("whsec_" + base64.b64encode(data).decode()), tolerance)


authentications: Final[SearchStrategy[Authentication]] = st.one_of(
    st.just(NoAuthentication()),
    st.builds(TokenAuthentication, headers, secrets),
    st.builds(
        HmacAuthentication,
        headers,
        secrets,
        st.sampled_from(["sha1", "sha256", "sha512"]),
        st.sampled_from(["hex", "base64"]),
        st.sampled_from(["", "sha256=", "v0="]),
    ),
    st.builds(_standard, st.binary(min_size=24, max_size=64), st.integers(1, 86_400)),
)
mappings: Final = st.dictionaries(
    st.text(min_size=1, max_size=10).map(lambda text: f"F{text.encode().hex()}"),
    scalars,
    min_size=1,
    max_size=3,
)


def panel(name: str, single: bool) -> Panel:
    """A panel with a field of each sort."""
    fields: JSON = {
        "Code": {"type": "string", "length": 3, "values": ["yes", "no"], "required": True},
        "Sum": {"type": "decimal", "precision": 15, "scale": 2, "caption": "The sum"},
    }
    found, problems = decode_panel(
        {"name": name, "instances": "single" if single else "multi", "fields": fields}
    )
    assert found, problems
    return found


def _connection(name: str, secret: Secret, zone: str, pause: int) -> Connection:
    settings: dict[str, JSON] = {
        "url": "https://imis.example",
        "username": "yes",
        "zone": zone,
        "pause": pause,
    }
    return Connection(name, "imis", settings, {"password": secret})


connections: Final = st.builds(
    _connection, names, secrets, st.sampled_from(["UTC", "Europe/Berlin"]), st.integers(0, 10**6)
)
rates: Final = st.builds(Rate, st.integers(1, 10**6), st.sampled_from([1, 10, 60, 3600, 86_400]))
actions: Final = st.one_of(
    st.builds(Action, st.just("insert_activity"), st.just("records"), mappings),
    st.builds(Action, st.just("insert_panel"), st.just("records"), mappings, st.just("Courses")),
    st.builds(Action, st.just("upsert_panel"), st.just("records"), mappings, st.just("Courses"), mappings),
)
webhooks: Final = st.builds(
    Webhook,
    name=st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    authentication=authentications,
    action=actions,
    title=texts,
    note=texts,
    state=st.sampled_from(WebhookState),
    access=st.builds(
        Access,
        st.lists(st.sampled_from(["10.0.0.0/8", "2001:db8::/32", "203.0.113.7/32"]), max_size=2).map(tuple),
        st.none() | rates,
    ),
    duplicates=st.none()
    | st.builds(
        Duplicates, st.sampled_from(["body-hash", "header:x-id", 'body:["Order No"]']), st.integers(1, 10**6)
    ),
    limits=st.builds(
        Limits,
        st.integers(1, 64 * 1024**2),
        st.integers(1, 300_000).map(lambda thousandths: thousandths / 1000),
    ),
    schema=st.booleans() | st.dictionaries(texts, documents, max_size=3),
    keep_rejected_bodies=st.booleans(),
)


def _holding(hook: Webhook, hold: bool) -> Webhook:
    return replace(hook, hold=hold and hook.connection != RECORDS)


slugs: Final = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)
destinations: Final = st.builds(
    Destination,
    name=slugs,
    url=st.sampled_from(["https://crm.example.org/hooks", "http://127.0.0.1:9/?a=b"]),
    title=texts,
    mode=st.sampled_from(DestinationMode),
    credentials=st.just(NoCredentials()) | st.builds(Bearer, tokens.map(Secret)),
    signing=st.just(NoSigning())
    | st.builds(StandardSigning, st.binary(min_size=SEED, max_size=SEED).map(new_standard_secret)),
    rate=st.none() | rates,
)
contents: Final[SearchStrategy[Body]] = st.one_of(
    st.just(Body()),
    st.builds(Body, st.just(BodyForm.JSON), st.none(), st.sampled_from(["", "application/vnd.a+json"])),
    st.builds(
        Body, st.just(BodyForm.TEMPLATE), st.just({"a": ["$$a$$", 5, None, True, Number("1.50")], "b": {}})
    ),
    st.builds(Body, st.just(BodyForm.FORM), st.just({"a": "{{ a | upcase }}", "b": 5})),
    st.builds(Body, st.just(BodyForm.XML), st.just({"r": {"@a": "$$a$$", "b": ["x", 5, None]}})),
    st.builds(Body, st.just(BodyForm.TEXT), st.just("Hi $$name$$\n")),
)


def subscriptions_to(names: list[str]) -> SearchStrategy[Subscription]:
    """Subscriptions that lead to one of these destinations."""
    return st.builds(
        Subscription,
        name=slugs,
        destination=st.sampled_from(names),
        events=st.sampled_from([("*",), ("record.*", "inbound.orders")]),
        note=texts,
        active=st.booleans(),
        condition=st.sampled_from(["", 'a.b == "x" or exists(c)']),
        method=st.sampled_from(["POST", "PUT"]),
        body=contents,
        headers=st.sampled_from([{}, {"X-A": "$$a$$", "X-B": "b"}]),
    )


def _named(
    some: list[Connection],
    hooks: list[Webhook],
    singles: bool,
    outgoing: tuple[list[Destination], list[Subscription]],
) -> Configuration:
    return Configuration(
        {one.name: one for one in {one.name.casefold(): one for one in some}.values()},
        {"Courses": panel("Courses", singles)},
        {one.name: one for one in hooks},
        {one.name: one for one in outgoing[0]},
        {one.name: one for one in outgoing[1]},
    )


def _with_subscriptions(
    some: list[Destination],
) -> SearchStrategy[tuple[list[Destination], list[Subscription]]]:
    names = [one.name for one in some]
    return st.tuples(st.just(some), st.lists(subscriptions_to(names), max_size=2) if names else st.just([]))


configurations: Final = st.builds(
    _named,
    st.lists(connections, max_size=2),
    st.lists(st.builds(_holding, webhooks, st.booleans()), max_size=2),
    st.booleans(),
    st.lists(destinations, max_size=2).flatmap(_with_subscriptions),
)
