"""Deliveries are signed as receivers expect it, by the new secret, and by the old one while it is being replaced."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Final

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.outgoing.definitions import HmacSigning, NoSigning, Signing, StandardSigning
from hookstation.core.outgoing.families import FAMILIES, family_of
from hookstation.core.outgoing.signing import rotate, sign, signed_headers, signing_problems, signing_secrets
from hookstation.core.standard_keys import KeyKind, new_standard_secret, public_key, public_text, shared_key
from hookstation.core.values import Secret
from hookstation.errors import Conflict

NOW: Final = 1_795_339_800 * 1_000_000
AT: Final = 1_795_339_800
ID: Final = "0199f1c2a7"
BODY: Final = b'{"memberId": "10420"}'

VECTOR_ID: Final = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_AT: Final = 1_614_265_330
VECTOR_BODY: Final = b'{"test": 2432232314}'
SHARED: Final = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SHARED_VECTOR: Final = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
PRIVATE: Final = Secret("whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")
PRIVATE_VECTOR: Final = (
    "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
)
"""The vectors of the signing tests in the specification's own reference libraries (github.com/standard-webhooks/
standard-webhooks: libraries/python/tests/test_webhooks.py and libraries/go/webhook_asymmetric_test.go)."""

BYTES: Final = st.binary(max_size=200)
SEEDS: Final = st.binary(min_size=32, max_size=32)


def header(headers: tuple[tuple[str, str], ...], name: str) -> str:
    (value,) = (value for one, value in headers if one.lower() == name.lower())
    return value


def vector(signing: Signing, now: int = NOW) -> tuple[tuple[str, str], ...]:
    return sign(signing, VECTOR_ID, VECTOR_AT, VECTOR_BODY, now)


@pytest.mark.parametrize(("secret", "expected"), [(SHARED, SHARED_VECTOR), (PRIVATE, PRIVATE_VECTOR)])
def test_both_kinds_sign_the_vector_of_the_reference_libraries(secret: Secret, expected: str) -> None:
    assert (
        ("webhook-id", VECTOR_ID),
        ("webhook-timestamp", str(VECTOR_AT)),
        ("webhook-signature", expected),
    ) == vector(StandardSigning(secret))


def test_a_key_with_its_public_key_behind_it_signs_the_same() -> None:
    seed, public = (base64.b64decode(text[5:]) for text in (PRIVATE.reveal(), public_text(PRIVATE)))
    long = Secret("whsk_" + base64.b64encode(seed + public).decode())
    assert PRIVATE_VECTOR == header(vector(StandardSigning(long)), "webhook-signature")
    assert () == signing_problems(StandardSigning(long))


def test_while_a_secret_is_replaced_both_sign_the_new_one_first() -> None:
    rotating = rotate(StandardSigning(SHARED), PRIVATE, NOW + 1)
    assert f"{PRIVATE_VECTOR} {SHARED_VECTOR}" == header(vector(rotating), "webhook-signature")
    assert PRIVATE_VECTOR == header(vector(rotating, NOW + 1), "webhook-signature")


def test_a_delivery_without_signature_still_says_its_id_and_time() -> None:
    assert (("webhook-id", ID), ("webhook-timestamp", str(AT))) == sign(NoSigning(), ID, AT, BODY, NOW)


FORMS: Final = [
    ("github", "X-Hub-Signature-256", "sha256={hex:body}"),
    ("bitbucket", "X-Hub-Signature", "sha256={hex:body}"),
    ("shopify", "X-Shopify-Hmac-SHA256", "{base64:body}"),
    ("woocommerce", "X-WC-Webhook-Signature", "{base64:body}"),
    ("typeform", "Typeform-Signature", "sha256={base64:body}"),
    ("thinkific", "X-Thinkific-Hmac-Sha256", "{hex:body}"),
    ("stripe", "Stripe-Signature", "t=1795339800,v1={hex:dotted}"),
    ("calendly", "Calendly-Webhook-Signature", "t=1795339800,v1={hex:dotted}"),
    ("slack", "X-Slack-Signature", "v0={hex:slack}"),
    ("zoom", "x-zm-signature", "v0={hex:slack}"),
]


@pytest.mark.parametrize(("family", "name", "expected"), FORMS)
def test_a_family_signs_as_its_sender_does(family: str, name: str, expected: str) -> None:
    contents = {"body": BODY, "dotted": b"%d." % AT + BODY, "slack": b"v0:%d:" % AT + BODY}
    digests = {key: hmac.new(b"s3cret", one, hashlib.sha256).digest() for key, one in contents.items()}
    for key, digest in digests.items():
        expected = expected.replace(f"{{hex:{key}}}", digest.hex())
        expected = expected.replace(f"{{base64:{key}}}", base64.b64encode(digest).decode())
    headers = sign(FAMILIES[family].with_secret(Secret("s3cret")), ID, AT, BODY, NOW)
    assert expected == header(headers, name)


def test_no_family_is_missing_above() -> None:
    assert sorted(FAMILIES) == sorted(family for family, _, _ in FORMS)


@pytest.mark.parametrize(
    ("family", "name"), [("slack", "X-Slack-Request-Timestamp"), ("zoom", "x-zm-request-timestamp")]
)
def test_a_family_that_reads_the_time_elsewhere_gets_it_there(family: str, name: str) -> None:
    headers = sign(FAMILIES[family].with_secret(Secret("s3cret")), ID, AT, BODY, NOW)
    assert str(AT) == header(headers, name)


def test_the_vector_that_github_publishes() -> None:
    signing = FAMILIES["github"].with_secret(Secret("It's a Secret to Everybody"))
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert expected == header(sign(signing, ID, AT, b"Hello, World!", NOW), "X-Hub-Signature-256")


def test_stripe_reads_two_signatures_and_github_the_new_one_alone() -> None:
    stripe, github = (
        rotate(FAMILIES[family].with_secret(Secret("old")), Secret("new"), NOW + 1)
        for family in ("stripe", "github")
    )
    proofs = header(sign(stripe, ID, AT, BODY, NOW), "Stripe-Signature").split(",")
    assert ["t", "v1", "v1"] == [proof.partition("=")[0] for proof in proofs]
    assert (Secret("new"), None, 0) == (github.secret, github.previous, github.previous_until)
    by_hand = replace(github, previous=Secret("old"), previous_until=NOW + 1)
    assert (Secret("new"),) == signing_secrets(by_hand, NOW)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_known_again_by_its_form(family: str) -> None:
    signing = FAMILIES[family].with_secret(Secret("a"), Secret("b"), NOW)
    assert family == family_of(signing)
    assert "" == family_of(replace(signing, header="X-Other"))
    assert () == signing_problems(signing)


@given(BYTES, st.integers(0, 10**11), SEEDS)
def test_a_v1a_signature_is_verified_by_the_public_key_and_by_no_other_body(
    body: bytes, at: int, seed: bytes
) -> None:
    secret = new_standard_secret(seed, KeyKind.ED25519)
    value = header(sign(StandardSigning(secret), ID, at, body, NOW), "webhook-signature")
    key, signature = public_key(public_text(secret)), base64.b64decode(value.removeprefix("v1a,"))
    key.verify(signature, b"%s.%d.%s" % (ID.encode(), at, body))
    with pytest.raises(InvalidSignature):
        key.verify(signature, b"%s.%d.%sx" % (ID.encode(), at, body))


@given(BYTES, st.integers(0, 10**11), SEEDS)
def test_a_v1_signature_is_the_hmac_of_id_time_and_body(body: bytes, at: int, key: bytes) -> None:
    secret = new_standard_secret(key)
    expected = hmac.new(shared_key(secret), b"%s.%d.%s" % (ID.encode(), at, body), hashlib.sha256).digest()
    value = header(sign(StandardSigning(secret), ID, at, body, NOW), "webhook-signature")
    assert f"v1,{base64.b64encode(expected).decode()}" == value


@given(SEEDS, st.sampled_from(KeyKind))
def test_a_secret_that_the_station_makes_can_sign(random: bytes, kind: KeyKind) -> None:
    assert () == signing_problems(StandardSigning(new_standard_secret(random, kind)))


def test_a_secret_is_not_made_of_less_randomness_than_it_needs() -> None:
    with pytest.raises(ValueError, match="32 random bytes, not 16"):
        new_standard_secret(bytes(16))


@given(
    st.sampled_from([StandardSigning(SHARED), FAMILIES["stripe"].with_secret(Secret("old"))]),
    st.integers(0, 2**53),
    st.integers(0, 2**53),
)
def test_the_old_secret_signs_until_its_end_and_the_new_one_always(
    signing: StandardSigning | HmacSigning, until: int, now: int
) -> None:
    rotated = rotate(signing, PRIVATE, until)
    assert (PRIVATE, *((signing.secret,) if now < until else ())) == signing_secrets(rotated, now)


def test_rotating_again_ends_the_oldest_secret() -> None:
    twice = rotate(rotate(StandardSigning(SHARED), PRIVATE, NOW), Secret("whsec_new"), NOW)
    assert (Secret("whsec_new"), PRIVATE) == (twice.secret, twice.previous)


def test_a_rotation_that_is_asked_for_twice_does_not_end_the_secret_that_it_replaced() -> None:
    once = rotate(StandardSigning(SHARED), PRIVATE, NOW)
    with pytest.raises(Conflict, match="with this secret already"):
        rotate(once, PRIVATE, NOW)


def test_what_is_not_signed_has_no_secret_to_rotate() -> None:
    with pytest.raises(Conflict, match="not signed"):
        rotate(NoSigning(), SHARED, 0)


def problems(signing: Signing) -> list[str]:
    return [str(problem) for problem in signing_problems(signing)]


@pytest.mark.parametrize(
    ("expected", "secret"),
    [
        ("must begin with whsec_ (HMAC) or whsk_ (ed25519)", "s3cret"),
        ("is a public key, which only verifies", public_text(PRIVATE)),
        ("is not base64 after whsec_", "whsec_***"),
        ("this one has 3", "whsec_YWJj"),
        ("An ed25519 key is whsk_ and base64 of 32 bytes", "whsk_YWJj"),
        ("An ed25519 key is whsk_", "whsk_" + base64.b64encode(bytes(64)).decode()),
        ("An ed25519 key is whsk_", "whsk_é"),
    ],
)
def test_a_secret_that_cannot_sign_is_refused_with_the_reason(expected: str, secret: str) -> None:
    (problem,) = problems(StandardSigning(Secret(secret)))
    assert problem.startswith("secret: ")
    assert expected in problem
    assert secret not in problem


OWN: Final = HmacSigning("X-Signature", Secret("s3cret"))


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("header: “a b” is not a header name", {"header": "a b"}),
        ("header: “Content-Type” is written by HTTP", {"header": "Content-Type"}),
        ("header: “Webhook-Id” is written by HTTP or by the station", {"header": "Webhook-Id"}),
        ("timestamp_header: is the signature's own header", {"timestamp_header": "x-signature"}),
        ("algorithm: “md5” is not known", {"algorithm": "md5"}),
        ("encoding: “base32” is not known", {"encoding": "base32"}),
        ("content: must hold {body} once", {"content": "{id}"}),
        ("content: must hold {body} once", {"content": "{body}{body}"}),
        ("content: may hold {body}, {timestamp}, {id} and no other braces", {"content": "{body}{secret}"}),
        ("content: may hold {body}, {timestamp}, {id} and no other braces", {"content": "{{body}}"}),
        ("content: signs the time, but the receiver is not told it", {"content": "{timestamp}.{body}"}),
        ("value: must hold {signature} once", {"value": "sha256="}),
        ("value: must be 1 to 200 characters of printable ASCII", {"value": "{signature}\r\nX: y"}),
        ("joint: may hold printable ASCII only", {"joint": "\n"}),
    ],
)
def test_a_form_that_nobody_could_verify_is_refused_with_the_reason(
    expected: str, changes: dict[str, str]
) -> None:
    (problem,) = problems(replace(OWN, **changes))  # type: ignore[arg-type]
    assert problem.startswith(expected)


def test_a_form_of_ones_own_signs_what_it_says() -> None:
    own = replace(
        OWN,
        algorithm="sha512",
        encoding="base64",
        content="{id}|{timestamp}|{body}",
        value="{signature};{timestamp}",
    )
    digest = hmac.new(b"s3cret", b"%s|%d|%s" % (ID.encode(), AT, BODY), hashlib.sha512).digest()
    assert [] == problems(own)
    expected = f"{base64.b64encode(digest).decode()};{AT}"
    assert expected == header(sign(own, ID, AT, BODY, NOW), "X-Signature")


@pytest.mark.parametrize(
    "signing", [NoSigning(), StandardSigning(SHARED), *(one.with_secret(SHARED) for one in FAMILIES.values())]
)
def test_the_headers_that_signing_writes_are_those_that_nothing_else_may(signing: Signing) -> None:
    assert signed_headers(signing) == {name.lower() for name, _ in sign(signing, ID, AT, BODY, NOW)}
