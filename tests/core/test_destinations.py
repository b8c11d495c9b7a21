"""Destinations as documents: what they mean, what is refused and why, and where their secrets may go."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Final

import jsonschema_rs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.documents.destination import DESTINATION, decode_destination, encode_destination
from hookstation.core.documents.destination_secrets import (
    destination_carried_elsewhere,
    known_destination_secrets,
    lacks_secret,
    secrets_of,
    with_kept_signing,
    with_secret,
)
from hookstation.core.documents.secrets import MASK, PersonSecrets, SealedSecrets
from hookstation.core.fieldlist import json_schema
from hookstation.core.outgoing.definitions import (
    ApiKeyHeader,
    Basic,
    Bearer,
    Breaker,
    ClientCredentials,
    ClientTls,
    Credentials,
    Destination,
    DestinationMode,
    HmacSigning,
    NoCredentials,
    NoSigning,
    RetryPlan,
    Signing,
    StandardSigning,
)
from hookstation.core.outgoing.families import FAMILIES
from hookstation.core.outgoing.signing import rotate
from hookstation.core.rates import Rate
from hookstation.core.standard_keys import KeyKind, new_standard_secret
from hookstation.core.values import JSON, Secret
from hookstation.errors import SecretError

PERSON: Final = PersonSecrets()
SHARED: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BARE: Final[dict[str, JSON]] = {"name": "crm", "url": "https://crm.example.org/hooks/"}
WHOLE: Final[dict[str, JSON]] = {
    "name": "crm",
    "title": "The CRM",
    "note": "Ask Ann.",
    "url": "https://crm.example.org:8443/hooks/?tenant=7",
    "state": "paused",
    "authentication": {"type": "basic", "username": "ann", "password": "p"},
    "signing": {"type": "standard-webhooks", "secret": SHARED},
    "proxy": "http://u:p@proxy.example.org:3128",
    "networks": ["10.20.0.0/16"],
    "ports": [8443],
    "timeout": "1.5s",
    "retry": {"schedule": ["5s", "90s", "2h"], "jitter": "5%"},
    "rate": "50/s",
    "concurrency": 3,
    "order": "$$memberId$$",
    "breaker": {"share": "80%", "calls": 20, "window": "5m", "pause": "10s"},
    "disable_after": "2d",
}


def destination(**changes: JSON) -> Destination:
    found, problems = decode_destination({**BARE, **changes}, PERSON)
    assert found, problems
    return found


def problems(**changes: JSON) -> list[str]:
    found, wrong = decode_destination({**BARE, **changes}, PERSON)
    assert (found is None) == bool(wrong)
    return [str(problem) for problem in wrong]


def certificate(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hookstation")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM).decode()


def pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> str:
    sealed = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed).decode()


KEY: Final = ec.derive_private_key(7, ec.SECP256R1())
OTHER: Final = ec.derive_private_key(8, ec.SECP256R1())
OURS: Final = certificate(KEY)
THEIRS: Final = certificate(OTHER)


def test_a_name_and_a_url_are_enough_and_all_else_is_usual() -> None:
    found = destination()
    assert Destination("crm", "https://crm.example.org/hooks/") == found
    assert BARE == encode_destination(found, PERSON)


def test_a_whole_document_means_what_it_says() -> None:
    found, wrong = decode_destination(WHOLE, PERSON)
    assert [] == wrong
    assert (
        Destination(
            name="crm",
            url="https://crm.example.org:8443/hooks/?tenant=7",
            title="The CRM",
            note="Ask Ann.",
            mode=DestinationMode.PAUSED,
            credentials=Basic("ann", Secret("p")),
            signing=StandardSigning(Secret(SHARED)),
            proxy=Secret("http://u:p@proxy.example.org:3128"),
            networks=("10.20.0.0/16",),
            ports=(8443,),
            timeout=1.5,
            retry=RetryPlan((5, 90, 7_200), 0.05),
            rate=Rate(50, 1),
            concurrency=3,
            order="$$memberId$$",
            breaker=Breaker(0.8, 20, 300, 10),
            disable_after=2 * 86_400,
        )
        == found
    )


@pytest.mark.parametrize(
    ("expected", "written"),
    [
        (NoCredentials(), {"type": "none"}),
        (Bearer(Secret("t")), {"type": "bearer", "token": "t"}),
        (ApiKeyHeader("X-API-Key", Secret("k")), {"type": "api_key", "key": "k"}),
        (ApiKeyHeader("X-Key", Secret("a b")), {"type": "api_key", "header": "X-Key", "key": "a b"}),
        (
            ClientCredentials("https://id.example.org/token", "us", Secret("s"), "a b", "crm", True),
            {
                "type": "oauth2",
                "token_url": "https://id.example.org/token",
                "client_id": "us",
                "client_secret": "s",
                "scope": "a b",
                "audience": "crm",
                "in_body": True,
            },
        ),
    ],
)
def test_each_way_to_prove_ourselves(expected: Credentials, written: dict[str, JSON]) -> None:
    assert expected == destination(authentication=written).credentials


@pytest.mark.parametrize(
    ("expected", "written"),
    [
        (NoSigning(), {"type": "none"}),
        (StandardSigning(), {"type": "standard-webhooks"}),
        (StandardSigning(Secret(SHARED)), {"type": "standard-webhooks", "secret": SHARED}),
        (
            HmacSigning("X-S", Secret("s"), "sha512", "base64", "{id}{body}", "v={signature}", "X-T", "|"),
            {
                "type": "hmac",
                "header": "X-S",
                "secret": "s",
                "algorithm": "sha512",
                "encoding": "base64",
                "content": "{id}{body}",
                "value": "v={signature}",
                "timestamp_header": "X-T",
                "joint": "|",
            },
        ),
        (
            FAMILIES["stripe"].with_secret(Secret("new"), Secret("old"), 9),
            {"type": "stripe", "secret": "new", "previous": "old", "previous_until": 9},
        ),
    ],
)
def test_each_way_to_sign(expected: Signing, written: dict[str, JSON]) -> None:
    assert expected == destination(signing=written).signing


def test_a_form_that_a_family_has_goes_out_under_its_name() -> None:
    found = destination(
        signing={
            "type": "hmac",
            "header": "X-Hub-Signature-256",
            "secret": "s",
            "value": "sha256={signature}",
        }
    )
    assert {"type": "github", "secret": MASK} == encode_destination(found, PERSON)["signing"]


def test_a_certificate_with_its_key_and_authorities_is_taken() -> None:
    tls: JSON = {"certificate": OURS, "key": pem(KEY), "authorities": THEIRS}
    assert ClientTls(OURS, Secret(pem(KEY)), THEIRS) == destination(tls=tls).tls


@pytest.mark.parametrize(
    ("expected", "tls"),
    [
        ("tls.certificate: holds no certificate; paste the PEM text", {"certificate": "x", "key": pem(KEY)}),
        ("tls.authorities: holds no certificate; paste the PEM text", {"authorities": pem(KEY)}),
        ("tls: “key” is missing", {"certificate": OURS}),
        ("tls: “certificate” is missing", {"key": pem(KEY)}),
        ("tls.key: is not the key of the first", {"certificate": OURS, "key": pem(OTHER)}),
        (
            "tls.key: is not a private key without a passphrase",
            {"certificate": OURS, "key": pem(KEY, b"secret")},
        ),
        ("tls.key: is not a private key", {"certificate": OURS, "key": OURS}),
    ],
)
def test_tls_that_could_not_work_is_refused_with_the_reason(expected: str, tls: dict[str, JSON]) -> None:
    (problem,) = problems(tls=tls)
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("url: “ftp://x” is not an address; it must begin with http", {"url": "ftp://x"}),
        ("url: an address must not hold a user name", {"url": "https://u:p@crm.example.org"}),
        ("url: an address must not have a fragment", {"url": "https://crm.example.org/#a"}),
        ("url: “https://x:99999” is not an address", {"url": "https://x:99999"}),
        ("name: “CRM” is not a name; allowed are lower-case letters", {"name": "CRM"}),
        ("state: “off” is not allowed; choose one of active, paused or disabled", {"state": "off"}),
        ("ports.1: must be at most 65,535", {"ports": [443, 70_000]}),
        ("ports.0: must be a whole number, but is text; write it without quotes", {"ports": ["443"]}),
        ("ports: must be a list of ports, like [443, 8443]", {"ports": 443}),
        ("ports: does not list port 443, which the url calls; add it", {"ports": [8443]}),
        ("timeout: must be at most 5m", {"timeout": "1h"}),
        ("retry.schedule.1: “soon” is not a duration", {"retry": {"schedule": ["5s", "soon"]}}),
        ("retry.schedule.0: must be at least 1s", {"retry": {"schedule": ["0s"]}}),
        ("retry.schedule: has 101 members; at most 100", {"retry": {"schedule": ["1s"] * 101}}),
        ("retry.schedule: must be a list of durations", {"retry": {"schedule": "5s"}}),
        ("retry.jitter: “0.2” is not allowed here: it must be whole per cent", {"retry": {"jitter": "0.2"}}),
        ("breaker.share: “0%” is not allowed here", {"breaker": {"share": "0%"}}),
        ("order: “{{” is never closed", {"order": "{{ a"}),
        ("proxy: is not the address of an HTTP proxy; write http://", {"proxy": "socks5://x"}),
        ("proxy: is not the address of an HTTP proxy", {"proxy": "http://[x"}),
        ("proxy: is not the address of an HTTP proxy", {"proxy": "http://proxy/path"}),
        ("tls: is for https addresses", {"url": "http://x", "tls": {"authorities": OURS}}),
        (
            "authentication.token: goes into a header, which takes printable ASCII without spaces only. It begins or "
            "ends with a space or line break: remove that",
            {"authentication": {"type": "bearer", "token": "t0ken\n"}},
        ),
        (
            "authentication.key: goes into a header, which takes printable ASCII on one line only.",
            {"authentication": {"type": "api_key", "key": "a\nb"}},
        ),
        (
            "authentication.header: “Host” belongs to HTTP itself",
            {"authentication": {"type": "api_key", "header": "Host", "key": "k"}},
        ),
        (
            "authentication.username: must not hold a colon",
            {"authentication": {"type": "basic", "username": "a:b", "password": "p"}},
        ),
        (
            "signing: writes the header of the authentication too",
            {
                "authentication": {"type": "api_key", "header": "x-hub-signature-256", "key": "k"},
                "signing": {"type": "github", "secret": "s"},
            },
        ),
        (
            "signing: writes the header of the authentication too",
            {"authentication": {"type": "api_key", "header": "webhook-id", "key": "k"}},
        ),
        (
            "signing.secret: must begin with whsec_ (HMAC) or whsk_ (ed25519); leave it out, and the station makes one",
            {"signing": {"type": "standard-webhooks", "secret": "s3cret"}},
        ),
        ("signing: “secret” is missing", {"signing": {"type": "github"}}),
        ("signing.type: “githab” is not a known type", {"signing": {"type": "githab", "secret": "s"}}),
        (
            "signing.content: must hold {body} once",
            {"signing": {"type": "hmac", "header": "X-S", "secret": "s", "content": "{id}"}},
        ),
    ],
)
def test_what_cannot_stand_is_refused_with_the_place_and_what_to_do(
    expected: str, changes: dict[str, JSON]
) -> None:
    (problem,) = problems(**changes)
    assert problem.startswith(expected)


SECRETS: Final = st.builds(
    lambda text, variable: Secret(text, f"${{env:{variable}}}" if variable else ""),
    st.from_regex(r"[A-Za-z0-9]{1,20}", fullmatch=True),
    st.just("") | st.from_regex(r"[A-Z]{3}", fullmatch=True),
)
STANDARD_SECRETS: Final = st.builds(
    new_standard_secret, st.binary(min_size=32, max_size=32), st.sampled_from(KeyKind)
)
TEXTS: Final = st.text("abc äß<>&", max_size=12)
CREDENTIALS: Final = st.one_of(
    st.just(NoCredentials()),
    st.builds(Bearer, SECRETS),
    st.builds(Basic, st.just("ann"), SECRETS),
    st.builds(ApiKeyHeader, st.sampled_from(["X-API-Key", "Key"]), SECRETS),
    st.builds(
        ClientCredentials,
        st.just("https://id.example.org/t"),
        st.just("us"),
        SECRETS,
        TEXTS,
        TEXTS,
        st.booleans(),
    ),
)


def _rotated(signing: Signing, previous: Secret, until: int) -> Signing:
    return (
        signing
        if isinstance(signing, NoSigning)
        else replace(signing, previous=previous, previous_until=until)
    )


FAMILY_SIGNINGS: Final = st.builds(
    lambda family, secret: family.with_secret(secret), st.sampled_from(list(FAMILIES.values())), SECRETS
)
SIGNINGS: Final = st.one_of(
    st.just(NoSigning()),
    st.just(StandardSigning()),
    st.builds(StandardSigning, STANDARD_SECRETS),
    st.builds(
        _rotated, st.builds(StandardSigning, STANDARD_SECRETS), STANDARD_SECRETS, st.integers(0, 2**53)
    ),
    st.builds(_rotated, FAMILY_SIGNINGS, SECRETS, st.integers(0, 2**53)),
    st.builds(HmacSigning, st.just("X-S"), SECRETS, st.sampled_from(["sha1", "sha512"]), joint=st.just("|")),
)
PERCENT: Final = st.integers(1, 100).map(lambda percent: percent / 100)
TIMES: Final = st.integers(60_000, 300_000).map(lambda thousandths: thousandths / 1_000)
DESTINATIONS: Final = st.builds(
    Destination,
    name=st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True),
    url=st.sampled_from(["https://crm.example.org/a/", "http://127.0.0.1:443/?x=%20"]),
    title=TEXTS,
    note=TEXTS,
    mode=st.sampled_from(DestinationMode),
    credentials=CREDENTIALS,
    signing=SIGNINGS,
    proxy=st.none() | st.just(Secret("http://proxy:3128", "${env:PROXY}")),
    networks=st.sampled_from([(), ("127.0.0.0/8", "::1/128")]),
    ports=st.sampled_from([(), (443, 8443)]),
    timeout=TIMES,
    retry=st.builds(RetryPlan, st.lists(TIMES, max_size=4).map(tuple), PERCENT),
    rate=st.none() | st.builds(Rate, st.integers(1, 100), st.sampled_from([1, 60, 7])),
    concurrency=st.integers(1, 1_000),
    order=st.sampled_from(["", "$$memberId$$", "{{ a.b | upcase }}"]),
    breaker=st.builds(Breaker, PERCENT, st.integers(1, 99), TIMES, TIMES),
    disable_after=TIMES,
)


class Backwards:
    """A vault whose sealing is easy to see through: the text reversed, the purpose in front."""

    def seal(self, secret: Secret, purpose: str) -> str:
        return f"{purpose}|{secret.reveal()[::-1]}"

    def open(self, sealed: str, purpose: str, reference: str = "") -> Secret:
        bound, _, text = sealed.partition("|")
        if bound != purpose:
            raise SecretError
        return Secret(text[::-1], reference)


@given(DESTINATIONS, st.booleans())
def test_a_stored_document_gives_the_destination_back(given_: Destination, defaults: bool) -> None:
    sealed = SealedSecrets(Backwards())
    assert (given_, []) == decode_destination(encode_destination(given_, sealed, defaults=defaults), sealed)


@given(DESTINATIONS, st.booleans())
def test_what_a_person_sees_can_be_sent_back_and_changes_nothing(given_: Destination, defaults: bool) -> None:
    document = encode_destination(given_, PERSON, defaults=defaults)
    known = known_destination_secrets(given_)
    assert (given_, []) == decode_destination(document, PersonSecrets(known))
    assert not any(secret.reveal() in str(document) for secret in known.values() if len(secret.reveal()) > 9)


@given(DESTINATIONS)
def test_the_schema_of_the_settings_lets_every_document_pass(given_: Destination) -> None:
    document = encode_destination(given_, PERSON, defaults=True)
    validator = jsonschema_rs.validator_for(json_schema(DESTINATION))
    assert [] == [error.message for error in validator.iter_errors(plain_json(document))]


def plain_json(value: JSON) -> object:
    """The document as any other program has it."""
    if isinstance(value, dict):
        return {name: plain_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain_json(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else float(str(value))


def test_the_secret_that_the_station_has_to_make() -> None:
    bare = destination()
    made = with_secret(bare, Secret(SHARED))
    assert (True, False) == (lacks_secret(bare), lacks_secret(made))
    assert StandardSigning(Secret(SHARED)) == made.signing
    assert lacks_secret(destination(signing={"type": "standard-webhooks", "previous_until": 5}))
    assert not lacks_secret(destination(signing={"type": "none"}))


def test_a_secret_that_is_replaced_by_none_is_refused_for_nothing_would_be_signed() -> None:
    expected = ["signing.previous: is replaced by no secret: write “secret” too, or leave this out."]
    assert expected == problems(signing={"type": "standard-webhooks", "previous": SHARED})


def test_a_document_that_does_not_speak_of_the_secret_keeps_it_and_its_rotation() -> None:
    made = with_secret(destination(), Secret(SHARED))
    rotating = replace(made, signing=rotate(made.signing, Secret("whsk_x"), 99))
    assert made == with_kept_signing(made, destination())
    assert rotating == with_kept_signing(rotating, destination())
    timed = destination(signing={"type": "standard-webhooks", "previous_until": 5})
    assert made == with_kept_signing(made, timed)
    spoken = replace(made, signing=StandardSigning(Secret("whsk_x")))
    assert rotating.signing == with_kept_signing(rotating, spoken).signing


def test_a_secret_that_the_station_made_does_not_follow_to_another_place() -> None:
    made = with_secret(destination(), Secret(SHARED))
    assert lacks_secret(with_kept_signing(made, destination(url="https://elsewhere.example.org")))


def test_another_secret_or_no_signing_at_all_is_taken_as_said() -> None:
    made = with_secret(destination(), Secret(SHARED))
    other = destination(signing={"type": "github", "secret": "s"})
    unsigned = destination(signing={"type": "none"})
    assert [other, unsigned] == [with_kept_signing(made, one) for one in (other, unsigned)]


CLIENT: Final = ClientCredentials("https://id.example.org/t", "us", Secret("s"))
FULL: Final = replace(
    destination(
        tls={"certificate": OURS, "key": pem(KEY)},
        proxy="http://proxy.example.org:3128",
    ),
    credentials=CLIENT,
    signing=StandardSigning(Secret(SHARED), Secret("old"), 9),
)


def test_every_secret_has_its_place() -> None:
    assert {
        ("authentication", "client_secret"): Secret("s"),
        ("signing", "secret"): Secret(SHARED),
        ("signing", "previous"): Secret("old"),
        ("tls", "key"): Secret(pem(KEY)),
        ("proxy",): Secret("http://proxy.example.org:3128"),
    } == secrets_of(FULL)
    assert "destination/crm/authentication/client_secret" in known_destination_secrets(FULL)


def carried(before: Destination, after: Destination) -> list[str]:
    return [".".join(map(str, one.path)) for one in destination_carried_elsewhere(before, after)]


THREE: Final = ["authentication.client_secret", "signing.secret", "signing.previous"]
ELSEWHERE: Final = [
    replace(FULL, url="https://elsewhere.example.org/hooks"),
    replace(FULL, url="https://crm.example.org:8443/hooks"),
    replace(FULL, url="http://crm.example.org/hooks"),
    replace(FULL, credentials=replace(CLIENT, token_url="https://elsewhere.example.org/t")),
    replace(FULL, tls=replace(FULL.tls or ClientTls(), authorities="another")),
]


@pytest.mark.parametrize("after", ELSEWHERE)
def test_a_secret_must_be_sent_again_for_another_place(after: Destination) -> None:
    assert THREE == carried(FULL, after)


@pytest.mark.parametrize(
    "after",
    [
        replace(FULL, url="https://crm.example.org:443/other?path=1"),
        replace(FULL, proxy=Secret("http://other.example.org:3128")),
        replace(FULL, title="other", concurrency=1),
        replace(FULL, proxy=None, tls=ClientTls(authorities="another")),
    ],
)
def test_a_secret_stays_where_nobody_else_gets_to_see_it(after: Destination) -> None:
    assert [] == carried(FULL, after)


def test_a_proxy_that_could_read_along_is_another_place() -> None:
    plain = replace(FULL, url="http://crm.example.org/hooks", tls=None)
    assert THREE == carried(plain, replace(plain, proxy=Secret("http://other.example.org:3128")))
    trusting = replace(FULL, tls=ClientTls(authorities="ours"))
    assert THREE == carried(trusting, replace(trusting, proxy=Secret("http://other.example.org:3128")))


def test_a_secret_that_is_sent_again_may_go_anywhere() -> None:
    again = replace(CLIENT, client_secret=Secret("s"))
    after = replace(ELSEWHERE[0], credentials=again, signing=StandardSigning(Secret(SHARED)))
    assert [] == carried(FULL, after)
