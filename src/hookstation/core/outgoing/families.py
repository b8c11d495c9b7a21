"""The forms of HMAC that well-known senders use, by the name of one who does; a new one is one more entry.

Receivers that were written for such a sender verify our deliveries with the code that they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.outgoing.definitions import HmacSigning
from hookstation.core.values import Secret

_NONE: Final = Secret("")


@dataclass(frozen=True, slots=True)
class Family:
    """A form of signature without its secret, and where its owner describes it."""

    form: HmacSigning
    source: str

    def with_secret(self, secret: Secret, previous: Secret | None = None, until: int = 0) -> HmacSigning:
        """The signing with these secrets."""
        return replace(self.form, secret=secret, previous=previous, previous_until=until)


def _family(source: str, header: str, **rest: str) -> Family:
    return Family(HmacSigning(header, _NONE, **rest), source)  # type: ignore[arg-type]


FAMILIES: Final[Mapping[str, Family]] = {
    "github": _family(
        "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
        "X-Hub-Signature-256",
        value="sha256={signature}",
    ),
    "bitbucket": _family(
        "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
        "X-Hub-Signature",
        value="sha256={signature}",
    ),
    "shopify": _family(
        "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
        "X-Shopify-Hmac-SHA256",
        encoding="base64",
    ),
    "woocommerce": _family(
        "https://woocommerce.com/document/webhooks/", "X-WC-Webhook-Signature", encoding="base64"
    ),
    "typeform": _family(
        "https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
        "Typeform-Signature",
        encoding="base64",
        value="sha256={signature}",
    ),
    "thinkific": _family("https://developers.thinkific.com/api/webhooks/", "X-Thinkific-Hmac-Sha256"),
    "stripe": _family(
        "https://docs.stripe.com/webhooks/signature",
        "Stripe-Signature",
        content="{timestamp}.{body}",
        value="t={timestamp},v1={signature}",
        joint=",v1=",
    ),
    "calendly": _family(
        "https://developer.calendly.com/api-docs/webhook-signatures",
        "Calendly-Webhook-Signature",
        content="{timestamp}.{body}",
        value="t={timestamp},v1={signature}",
    ),
    "slack": _family(
        "https://docs.slack.dev/authentication/verifying-requests-from-slack",
        "X-Slack-Signature",
        content="v0:{timestamp}:{body}",
        value="v0={signature}",
        timestamp_header="X-Slack-Request-Timestamp",
    ),
    "zoom": _family(
        "https://developers.zoom.us/docs/api/webhooks/",
        "x-zm-signature",
        content="v0:{timestamp}:{body}",
        value="v0={signature}",
        timestamp_header="x-zm-request-timestamp",
    ),
}
"""By name: SHA-256 all of them."""


def family_of(signing: HmacSigning) -> str:
    """The name of the family whose form this is, empty where none has it."""
    form = replace(signing, secret=_NONE, previous=None, previous_until=0)
    return next((name for name, family in FAMILIES.items() if family.form == form), "")
