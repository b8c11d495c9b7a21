"""Receivers verify with other people's code: what we sign passes there, before, during and after a rotation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import pytest
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook as StandardWebhook
from standardwebhooks import WebhookVerificationError
from svix.webhooks import Webhook as SvixWebhook

from hookstation.core.outgoing.definitions import HmacSigning, StandardSigning
from hookstation.core.outgoing.families import FAMILIES
from hookstation.core.outgoing.signing import Headers, rotate, sign
from hookstation.core.standard_keys import KeyKind, new_standard_secret, public_text
from hookstation.core.values import Secret
from tests.support.judges import Judges, judges

ID: Final = "0199f1c2-a7d5-7000-8000-0000000104b0"
BODY: Final = '{"object": "event", "type": "record.inserted", "data": {"name": "Søren 🎓", "line": "a\\nb"}}'
END: Final = 2_000_000_000 * 1_000_000
"""When the rotations of these tests end, in microseconds. The judges read the clock themselves."""

OLD, NEW = (new_standard_secret(bytes([one]) * 32) for one in (1, 2))
OLD_KEY, NEW_KEY = (new_standard_secret(bytes([one]) * 32, KeyKind.ED25519) for one in (1, 2))


@pytest.fixture(scope="module")
def node() -> Iterator[Judges]:
    with judges() as found:
        yield found


def signed(signing: StandardSigning | HmacSigning, now: int = END - 1) -> Headers:
    return sign(signing, ID, int(datetime.now(UTC).timestamp()), BODY.encode(), now)


def by_standardwebhooks(secret: Secret, headers: Headers, body: str = BODY) -> str:
    """Why the Python package does not accept it, empty where it does."""
    return _refusal(lambda: StandardWebhook(secret.reveal()).verify(body, dict(headers), json_parse=False))


def by_svix(secret: Secret, headers: Headers, body: str = BODY) -> str:
    """The same for svix's."""
    return _refusal(lambda: SvixWebhook(secret.reveal()).verify(body, dict(headers)))


def _refusal(verify: Callable[[], object]) -> str:
    try:
        verify()
    except WebhookVerificationError as refusal:
        return str(refusal)
    return ""


def test_python_accepts_the_secret_that_signs_and_refuses_another_one() -> None:
    headers = signed(StandardSigning(NEW))
    assert ["", ""] == [by_standardwebhooks(NEW, headers), by_svix(NEW, headers)]
    refused = "No matching signature found"
    assert [refused, refused] == [by_standardwebhooks(OLD, headers), by_svix(OLD, headers)]
    assert refused == by_standardwebhooks(NEW, headers, BODY + " ")


def test_python_accepts_both_secrets_during_a_rotation_and_the_new_one_after_it() -> None:
    rotating = rotate(StandardSigning(OLD), NEW, END)
    during, later = signed(rotating), signed(rotating, now=END)
    assert [""] * 4 == [
        judge(secret, during) for judge in (by_standardwebhooks, by_svix) for secret in (OLD, NEW)
    ]
    assert ["", ""] == [judge(NEW, later) for judge in (by_standardwebhooks, by_svix)]
    assert all(judge(OLD, later) for judge in (by_standardwebhooks, by_svix))


@pytest.mark.parametrize("judge", ["standardwebhooks", "svix"])
def test_node_accepts_both_secrets_during_a_rotation_and_the_new_one_after_it(
    node: Judges, judge: str
) -> None:
    rotating = rotate(StandardSigning(OLD), NEW, END)
    during, later = signed(rotating), signed(rotating, now=END)
    assert ["", ""] == [node.refusal(judge, secret.reveal(), during, BODY) for secret in (OLD, NEW)]
    assert "" == node.refusal(judge, NEW.reveal(), later, BODY)
    assert "No matching signature found" in node.refusal(judge, OLD.reveal(), later, BODY)


def test_node_verifies_ed25519_by_the_public_key_during_a_rotation_too(node: Judges) -> None:
    rotating = rotate(StandardSigning(OLD_KEY), NEW_KEY, END)
    during, later = signed(rotating), signed(rotating, now=END)
    old, new = public_text(OLD_KEY), public_text(NEW_KEY)
    assert ["", ""] == [node.refusal("ed25519", key, during, BODY) for key in (old, new)]
    assert ["Error: not the signature", ""] == [
        node.refusal("ed25519", key, later, BODY) for key in (old, new)
    ]
    assert "Error: not the signature" == node.refusal("ed25519", new, later, BODY + " ")


def test_a_rotation_from_one_kind_to_the_other_is_verified_by_both(node: Judges) -> None:
    headers = signed(rotate(StandardSigning(OLD), NEW_KEY, END))
    assert "" == by_standardwebhooks(OLD, headers)
    assert "" == by_svix(OLD, headers)
    assert "" == node.refusal("standardwebhooks", OLD.reveal(), headers, BODY)
    assert "" == node.refusal("svix", OLD.reveal(), headers, BODY)
    assert "" == node.refusal("ed25519", public_text(NEW_KEY), headers, BODY)


def family(name: str, secret: str) -> HmacSigning:
    return FAMILIES[name].with_secret(Secret(secret))


def test_the_library_of_stripe_accepts_both_secrets_during_a_rotation(node: Judges) -> None:
    rotating = rotate(family("stripe", "whsec_old"), Secret("whsec_new"), END)
    during, later = signed(rotating), signed(rotating, now=END)
    assert ["", ""] == [node.refusal("stripe", one, during, BODY) for one in ("whsec_old", "whsec_new")]
    assert "" == node.refusal("stripe", "whsec_new", later, BODY)
    assert "No signatures found matching" in node.refusal("stripe", "whsec_old", later, BODY)


def test_the_library_of_github_accepts_the_secret_that_signs(node: Judges) -> None:
    headers = signed(family("github", "s3cret"))
    assert "" == node.refusal("github", "s3cret", headers, BODY)
    assert "Error: not the signature" == node.refusal("github", "other", headers, BODY)


def test_the_library_of_slack_accepts_the_secret_that_signs() -> None:
    headers = dict(signed(family("slack", "s3cret")))
    accepted = [SignatureVerifier(one).is_valid_request(BODY, headers) for one in ("s3cret", "other")]
    assert [True, False] == accepted
