"""Who a call is from: a right proof passes, all else is refused, and nothing else is ever raised."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from hookstation.core.definitions import (
    Authentication,
    HmacAuthentication,
    NoAuthentication,
    StandardWebhooksAuthentication,
    TokenAuthentication,
)
from hookstation.core.signing import (
    ALWAYS_SECRET,
    LONGEST_PROOF,
    MOST_LOOKED_AT,
    authentication_problems,
    compile_verifier,
    secret_headers,
    sign_hmac,
    sign_standard_webhooks,
)
from hookstation.core.values import Secret
from hookstation.errors import AuthenticationFailed

BODY = b'{"memberId": "10420"}'
NOW = 1_795_339_800 * 1_000_000

GITHUB = HmacAuthentication("X-Hub-Signature-256", Secret("It's a Secret to Everybody"), prefix="sha256=")
GITHUB_BODY = b"Hello, World!"
GITHUB_HEX = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""The vector that GitHub publishes for people who write their own check ("Validating webhook deliveries",
docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries, section on testing)."""

STANDARD = StandardWebhooksAuthentication(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_NOW = 1_614_265_330
STANDARD_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
"""The vector of the signing test in the specification's own reference libraries
(github.com/standard-webhooks/standard-webhooks: libraries/python/tests/test_webhooks.py)."""


def refused(
    authentication: Authentication, headers: dict[str, str], body: bytes = BODY, now: int = NOW
) -> str:
    """The reason why the call is refused; empty where it may go on."""
    verifier = compile_verifier(authentication)
    try:
        verifier.before_body(headers)
        verifier.over_body(headers, body, now)
    except AuthenticationFailed as refusal:
        return refusal.reason
    return ""


def token(secret: str = "correct horse") -> TokenAuthentication:
    return TokenAuthentication("X-Token", Secret(secret))


def flipped(text: str, place: int) -> str:
    """The text with one character changed to another that its alphabet has too."""
    place %= len(text)
    return text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]


class TestNone:
    def test_anybody_may_call_where_that_was_said_aloud(self) -> None:
        assert refused(NoAuthentication(), {}) == ""


class TestToken:
    def test_the_configured_token_passes_before_the_body(self) -> None:
        compile_verifier(token()).before_body({"x-token": "correct horse"})

    @pytest.mark.parametrize("sent", ["", "correct", "correct horse ", "Correct horse", "é", "x" * 10_000])
    def test_anything_else_is_refused_before_the_body(self, sent: str) -> None:
        with pytest.raises(AuthenticationFailed):
            compile_verifier(token()).before_body({"x-token": sent})

    def test_a_missing_header_is_refused(self) -> None:
        assert refused(token(), {}) == "Header x-token is missing or empty."

    def test_a_token_sent_twice_is_refused(self) -> None:
        assert refused(token(), {"x-token": "correct horse, correct horse"})

    def test_a_token_beyond_ascii_is_compared_by_its_bytes(self) -> None:
        assert refused(token("clé-ü"), {"x-token": "clé-ü".encode().decode("latin-1")}) == ""

    def test_a_header_with_characters_that_no_header_has_is_refused(self) -> None:
        assert refused(token("密"), {"x-token": "密"})

    @pytest.mark.parametrize("sent", ["", "anything"])
    def test_an_empty_configured_token_never_passes(self, sent: str) -> None:
        assert refused(token(""), {"x-token": sent})


class TestHmac:
    def test_the_published_vector_of_github_passes(self) -> None:
        assert refused(GITHUB, {"x-hub-signature-256": "sha256=" + GITHUB_HEX}, GITHUB_BODY) == ""

    def test_hex_may_be_in_upper_case(self) -> None:
        assert refused(GITHUB, {"x-hub-signature-256": "sha256=" + GITHUB_HEX.upper()}, GITHUB_BODY) == ""

    @pytest.mark.parametrize(
        "sent",
        [
            "",
            "sha256=",
            GITHUB_HEX,
            "SHA256=" + GITHUB_HEX,
            "sha1=" + GITHUB_HEX,
            "sha256=" + GITHUB_HEX[:-1],
            "sha256=" + GITHUB_HEX[:32],
            "sha256=" + GITHUB_HEX + "0",
            "sha256= " + GITHUB_HEX,
            f"sha256={GITHUB_HEX}, sha256={GITHUB_HEX}",
            "sha256=" + "g" * 64,
            "sha256=" + "é" * 64,
            "sha256=" + GITHUB_HEX + " " * LONGEST_PROOF,
        ],
    )
    def test_a_malformed_truncated_repeated_or_oversized_signature_is_refused(self, sent: str) -> None:
        assert refused(GITHUB, {"x-hub-signature-256": sent}, GITHUB_BODY)

    @pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
    @pytest.mark.parametrize("prefix", ["", "v0="])
    def test_every_algorithm_passes_in_hex(self, algorithm: str, prefix: str) -> None:
        right = hmac.new(b"k", BODY, algorithm).hexdigest()
        settings = HmacAuthentication("X-S", Secret("k"), algorithm, "hex", prefix)
        assert refused(settings, {"x-s": prefix + right}) == ""

    @pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
    def test_every_algorithm_passes_in_base64(self, algorithm: str) -> None:
        right = base64.b64encode(hmac.new(b"k", BODY, algorithm).digest()).decode()
        assert refused(HmacAuthentication("X-S", Secret("k"), algorithm, "base64"), {"x-s": right}) == ""

    def test_base64_that_only_decodes_to_the_right_bytes_is_refused(self) -> None:
        settings = HmacAuthentication("X-S", Secret("k"), encoding="base64")
        right = sign_hmac(settings, BODY)["X-S"]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        stray = right[:-2] + alphabet[alphabet.index(right[-2]) ^ 1] + "="
        assert base64.b64decode(stray) == base64.b64decode(right)
        assert refused(settings, {"x-s": stray})

    @given(body=st.binary(max_size=200), secret=st.text(min_size=1).filter(lambda text: text.isprintable()))
    def test_what_we_sign_we_accept(self, body: bytes, secret: str) -> None:
        settings = HmacAuthentication("X-S", Secret(secret), encoding="base64")
        assert refused(settings, {"x-s": sign_hmac(settings, body)["X-S"]}, body) == ""

    @given(body=st.binary(min_size=1, max_size=200), place=st.integers(0, 199), bit=st.integers(0, 7))
    def test_any_changed_bit_of_the_body_is_refused(self, body: bytes, place: int, bit: int) -> None:
        changed = bytearray(body)
        changed[place % len(body)] ^= 1 << bit
        headers = {"x-hub-signature-256": sign_hmac(GITHUB, body)["X-Hub-Signature-256"]}
        assert refused(GITHUB, headers, bytes(changed))

    @given(place=st.integers(0, 70))
    def test_any_changed_character_of_the_signature_is_refused(self, place: int) -> None:
        assert refused(GITHUB, {"x-hub-signature-256": flipped("sha256=" + GITHUB_HEX, place)}, GITHUB_BODY)


class TestStandardWebhooks:
    def test_the_reference_vector_passes(self) -> None:
        assert refused(STANDARD, STANDARD_HEADERS, STANDARD_BODY, STANDARD_NOW * 1_000_000) == ""

    def test_we_sign_the_reference_vector_alike(self) -> None:
        signed = sign_standard_webhooks(
            STANDARD.secret, STANDARD_HEADERS["webhook-id"], STANDARD_NOW, STANDARD_BODY
        )
        assert signed == STANDARD_HEADERS

    @given(body=st.text(max_size=100), key=st.binary(min_size=24, max_size=64))
    def test_the_reference_library_signs_what_we_accept(self, body: str, key: bytes) -> None:
        secret = "whsec_" + base64.b64encode(key).decode()
        judge = Webhook(secret).sign("msg_1", datetime.fromtimestamp(STANDARD_NOW, UTC), body)
        headers = {**STANDARD_HEADERS, "webhook-id": "msg_1", "webhook-signature": judge}
        settings = StandardWebhooksAuthentication(Secret(secret))
        assert refused(settings, headers, body.encode(), STANDARD_NOW * 1_000_000) == ""

    def test_the_reference_library_accepts_what_we_sign(self) -> None:
        now = int(datetime.now(UTC).timestamp())
        headers = sign_standard_webhooks(STANDARD.secret, "msg_1", now, BODY)
        assert Webhook(STANDARD.secret.reveal()).verify(BODY, headers) == {"memberId": "10420"}

    @pytest.mark.parametrize("padding", ["", "="])
    def test_a_secret_may_lack_its_padding(self, padding: str) -> None:
        key = bytes(range(32))
        text = base64.b64encode(key).decode().rstrip("=") + padding
        digest = hmac.digest(key, b"msg_1.%d." % STANDARD_NOW + BODY, hashlib.sha256)
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(STANDARD_NOW),
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }
        settings = StandardWebhooksAuthentication(Secret("whsec_" + text))
        assert refused(settings, headers, BODY, STANDARD_NOW * 1_000_000) == ""

    @pytest.mark.parametrize(("late", "may"), [(-301, False), (-300, True), (300, True), (301, False)])
    def test_a_timestamp_may_be_300_seconds_off_either_way(self, late: int, may: bool) -> None:
        reason = refused(STANDARD, STANDARD_HEADERS, STANDARD_BODY, (STANDARD_NOW + late) * 1_000_000)
        assert (reason == "") is may

    @pytest.mark.parametrize(
        "moment",
        [
            "",
            "1614265330.0",
            "+1614265330",
            "-1614265330",
            " 1614265330",
            "1_614_265_330",
            "1614265330Z",
            "1e9",
            "٠",
            "²",
            "9" * 13,
            "9" * 5000,
            "NaN",
            "inf",
            "2021-02-25T15:02:10Z",
        ],
    )
    def test_a_timestamp_that_is_not_whole_seconds_is_refused(self, moment: str) -> None:
        headers = {**STANDARD_HEADERS, "webhook-timestamp": moment}
        assert refused(STANDARD, headers, STANDARD_BODY, STANDARD_NOW * 1_000_000)

    @pytest.mark.parametrize("odd", ["", "msg.1", "msg 1", "msg,1", "a, b", "msg\n1", "é", "x" * 256])
    def test_an_id_with_odd_characters_is_refused_even_when_signed(self, odd: str) -> None:
        headers = sign_standard_webhooks(STANDARD.secret, odd, STANDARD_NOW, BODY)
        assert refused(STANDARD, headers, BODY, STANDARD_NOW * 1_000_000)

    @pytest.mark.parametrize("missing", sorted(STANDARD_HEADERS))
    def test_each_of_the_three_headers_is_needed(self, missing: str) -> None:
        headers = {name: value for name, value in STANDARD_HEADERS.items() if name != missing}
        reason = refused(STANDARD, headers, STANDARD_BODY, STANDARD_NOW * 1_000_000)
        assert reason == f"Header {missing} is missing or empty."

    def test_one_right_signature_among_several_passes(self) -> None:
        right = STANDARD_HEADERS["webhook-signature"]
        listed = f"v1a,{'A' * 86}== v1,{'B' * 43}= {right} v2,AAAA"
        headers = {**STANDARD_HEADERS, "webhook-signature": listed}
        assert refused(STANDARD, headers, STANDARD_BODY, STANDARD_NOW * 1_000_000) == ""

    @pytest.mark.parametrize(
        "listed",
        [
            *("", " ", "v1", "v1,", ",", "v1,é", "{1}", "v1:{1}", "V1{1}", "v1a{1}", "v2{1}"),
            *(
                "{0}, {0}",
                "{0},{0}",
                "{0}  {0}",
                " {0}",
                "{0} ",
                "{0} x",
                "{0} v3a,",
                " ".join(["{0}"] * 100),
            ),
        ],
    )
    def test_a_malformed_list_or_one_without_v1_is_refused(self, listed: str) -> None:
        right = STANDARD_HEADERS["webhook-signature"]
        headers = {**STANDARD_HEADERS, "webhook-signature": listed.format(right, right[2:])}
        assert refused(STANDARD, headers, STANDARD_BODY, STANDARD_NOW * 1_000_000)

    @given(header=st.sampled_from(sorted(STANDARD_HEADERS)), place=st.integers(0, 60))
    def test_any_changed_character_of_a_header_is_refused(self, header: str, place: int) -> None:
        headers = {**STANDARD_HEADERS, header: flipped(STANDARD_HEADERS[header], place)}
        assert refused(STANDARD, headers, STANDARD_BODY, STANDARD_NOW * 1_000_000)

    @given(place=st.integers(0, len(STANDARD_BODY) - 1), bit=st.integers(0, 7))
    def test_any_changed_bit_of_the_body_is_refused(self, place: int, bit: int) -> None:
        changed = bytearray(STANDARD_BODY)
        changed[place] ^= 1 << bit
        assert refused(STANDARD, STANDARD_HEADERS, bytes(changed), STANDARD_NOW * 1_000_000)


class TestAll:
    @pytest.mark.parametrize("settings", [token(), GITHUB, STANDARD], ids=["token", "hmac", "standard"])
    @given(
        values=st.lists(st.text(max_size=60), min_size=5, max_size=5),
        body=st.binary(max_size=50),
        now=st.integers(0, 2**60),
    )
    @example(values=["\ud800", "\x00", "", "٣", "v1,\udfff"], body=b"", now=0)
    def test_junk_is_refused_and_nothing_else_is_raised(
        self, settings: Authentication, values: list[str], body: bytes, now: int
    ) -> None:
        names = ["x-token", "x-hub-signature-256", *STANDARD_HEADERS]
        assert refused(settings, dict(zip(names, values, strict=True)), body, now)

    @pytest.mark.parametrize(
        ("settings", "place"),
        [
            (token(""), "secret"),
            (token("\ud800"), "secret"),
            (TokenAuthentication("X Token", Secret("k")), "header"),
            (TokenAuthentication("", Secret("k")), "header"),
            (TokenAuthentication("Host", Secret("k")), "header"),
            (TokenAuthentication("transfer-encoding", Secret("k")), "header"),
            (HmacAuthentication("Content-MD5", Secret("k")), "header"),
            (HmacAuthentication("X-Forwarded-For", Secret("k")), "header"),
            (HmacAuthentication("X-S", Secret("")), "secret"),
            (HmacAuthentication("X-S", Secret("k"), algorithm="md5"), "algorithm"),
            (HmacAuthentication("X-S", Secret("k"), encoding="base32"), "encoding"),
            (StandardWebhooksAuthentication(Secret("")), "secret"),
            (StandardWebhooksAuthentication(Secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")), "secret"),
            (StandardWebhooksAuthentication(Secret("whsec_")), "secret"),
            (StandardWebhooksAuthentication(Secret("whsec_AAAA")), "secret"),
            (StandardWebhooksAuthentication(Secret("whsec_not base64!")), "secret"),
            (StandardWebhooksAuthentication(Secret("whsec_\ud800")), "secret"),
            (StandardWebhooksAuthentication(Secret("whsec_" + "A" * 88)), "secret"),
        ],
    )
    def test_settings_that_prove_nothing_are_named_and_refuse_every_call(
        self, settings: Authentication, place: str
    ) -> None:
        assert [problem.path for problem in authentication_problems(settings)] == [(place,)]
        assert refused(settings, {"x-token": "", "x-s": "", **STANDARD_HEADERS})

    def test_no_refusal_repeats_a_secret_or_what_was_sent(self) -> None:
        assert "correct horse" not in refused(token(), {"x-token": "wrong battery"})
        assert "wrong battery" not in refused(token(), {"x-token": "wrong battery"})

    @pytest.mark.parametrize(
        ("settings", "own"),
        [
            (NoAuthentication(), set()),
            (token(), {"x-token"}),
            (GITHUB, {"x-hub-signature-256"}),
            (STANDARD, {"webhook-signature"}),
        ],
    )
    def test_the_proof_and_the_usual_credentials_are_secret_headers(
        self, settings: Authentication, own: set[str]
    ) -> None:
        assert secret_headers(settings) == ALWAYS_SECRET | own
        assert secret_headers(settings) >= {"authorization", "cookie", "proxy-authorization", "x-api-key"}


PUBLIC_BODY = b'{"test": 2432232314}'
PUBLIC_HEADERS = {
    **STANDARD_HEADERS,
    "webhook-signature": (
        "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
    ),
}
PUBLIC_SEED = b"TESTSIGNINGKEYDONOTUSETHISFORANY"
"""The vector of the asymmetric signing test in the reference libraries
(github.com/standard-webhooks/standard-webhooks: libraries/go/webhook_asymmetric_test.go)."""


class TestStandardWebhooksByPublicKey:
    settings = StandardWebhooksAuthentication(
        Secret(
            "whpk_"
            + base64.b64encode(
                Ed25519PrivateKey.from_private_bytes(PUBLIC_SEED).public_key().public_bytes_raw()
            ).decode()
        )
    )

    def judged(self, body: bytes = PUBLIC_BODY, **headers: str) -> str:
        sent = {**PUBLIC_HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return refused(self.settings, sent, body, STANDARD_NOW * 1_000_000)

    def test_the_reference_vector_passes(self) -> None:
        assert self.judged() == ""

    def test_it_passes_beside_signatures_of_other_kinds_and_keys(self) -> None:
        other = f"v1a,{base64.b64encode(bytes(64)).decode()}"
        mixed = f"{STANDARD_HEADERS['webhook-signature']} {other} {PUBLIC_HEADERS['webhook-signature']}"
        assert self.judged(webhook_signature=mixed) == ""

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "v1a,",
            STANDARD_HEADERS["webhook-signature"],
            PUBLIC_HEADERS["webhook-signature"].replace("v1a,", "v1,"),
            PUBLIC_HEADERS["webhook-signature"][:-8],
            PUBLIC_HEADERS["webhook-signature"].replace("tQ9", "tQ8"),
            "v1a,AAAA",
            "v1a,A",
            " ".join(["v1a,AAAA"] * MOST_LOOKED_AT) + " " + PUBLIC_HEADERS["webhook-signature"],
        ],
    )
    def test_anything_else_is_refused(self, signature: str) -> None:
        assert self.judged(webhook_signature=signature)

    def test_another_body_id_or_time_is_refused(self) -> None:
        assert self.judged(b"{}")
        assert self.judged(webhook_id="msg_1")
        assert self.judged(webhook_timestamp=str(STANDARD_NOW + 1))
        assert "from our clock" in self.judged(webhook_timestamp=str(STANDARD_NOW + 301))

    @pytest.mark.parametrize(
        ("expected", "secret"),
        [
            ("secret: is the sender's secret key; verifying needs its public key", "whsk_" + "A" * 43),
            ("secret: A public key is whpk_ and base64 of 32 bytes", "whpk_AAAA"),
            ("secret: A public key is whpk_ and base64 of 32 bytes", "whpk_é"),
        ],
    )
    def test_a_key_that_cannot_verify_is_told_when_it_is_saved_and_lets_nobody_in(
        self, expected: str, secret: str
    ) -> None:
        settings = StandardWebhooksAuthentication(Secret(secret))
        assert [str(problem).startswith(expected) for problem in authentication_problems(settings)] == [True]
        assert refused(settings, PUBLIC_HEADERS, PUBLIC_BODY, STANDARD_NOW * 1_000_000)
