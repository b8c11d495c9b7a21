"""How the sending side is told to people: states, troubles, and ways to sign and to be let in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.outgoing.values import TROUBLE_WORDS, Trouble

TROUBLES: Final = TROUBLE_WORDS
"""Classes of errors in words."""

ADVICE: Final[Mapping[Trouble, str]] = {
    Trouble.MAPPING: "The subscription cannot make its request of this event. Change its body or its headers, then "
    "resend: the request is made anew at each attempt.",
    Trouble.ADDRESS: "The guard keeps deliveries away from private addresses and from ports that are not for them. If "
    "the receiver is meant, list its network or its port at the destination.",
    Trouble.NAME: "The name server does not know the host. See whether the URL of the destination is spelled right.",
    Trouble.CONNECT: "Nobody listens there, or a firewall is between. Ask the receiver whether it runs.",
    Trouble.TLS: "The receiver’s certificate is not good: run out, for another name, or by an unknown authority. The "
    "receiver puts that right; an authority of its own can be named at the destination.",
    Trouble.PROXY: "See whether the proxy of the destination runs, and takes its user and password.",
    Trouble.CREDENTIALS: "The token server gave no token. See the client’s id and secret at the destination.",
    Trouble.TIMEOUT: "The receiver is too slow. It should answer first and work afterwards; the time-out can be "
    "lengthened at the destination.",
    Trouble.BROKEN_OFF: "The connection ended in the middle. That may be chance: it is tried again.",
    Trouble.PROTOCOL: "What answered there is no web server that can be understood. See the URL.",
    Trouble.REDIRECT: "Redirects are never followed. Write the new address into the destination.",
    Trouble.REFUSED: "The receiver does not take it. Its answer below often says why: a wrong address, missing "
    "credentials, or a body that it does not know.",
    Trouble.GONE: "The receiver said that nothing is there any more, so that nothing is sent there until a person "
    "enables the destination again.",
    Trouble.BUSY: "The receiver asks for patience: everything for it waits a while.",
    Trouble.SERVER: "The receiver made a mistake of its own. It is tried again.",
}
"""What to do about a class of errors."""

WAYS: Final[Mapping[str, tuple[str, str]]] = {
    "authentication.none": ("Nothing", "The signature alone says that a delivery is from this station."),
    "authentication.bearer": ("A token", "Sent as Authorization: Bearer."),
    "authentication.basic": ("User and password", "HTTP basic authentication."),
    "authentication.api_key": ("A key in a header", "Such as X-API-Key."),
    "authentication.oauth2": ("OAuth 2.0", "The station fetches a token by its id and secret, and keeps it."),
    "signing.standard-webhooks": (
        "Standard Webhooks",
        "The usual way. The station makes the secret, and receivers have libraries for it in every language.",
    ),
    "signing.family": ("As a well-known sender", "For receivers that were written for one of these."),
    "signing.hmac": ("An HMAC of another form", "Header, hash and contents as the receiver wants them."),
    "signing.none": ("Not signed", "The receiver cannot tell who sent it."),
    "body.envelope": ("Envelope", "Type, time and payload, as Standard Webhooks advises."),
    "body.json": ("Payload", "The payload alone, exactly as it came."),
    "body.template": ("JSON by template", "JSON of your own form; its texts are templates over the payload."),
    "body.form": ("Form", "Fields and their templates, as a form of HTML is sent."),
    "body.xml": ("XML", "Elements and their templates."),
    "body.text": ("Text", "One template."),
}
"""Kinds of a thing: label, and a sentence about it."""

HEADINGS: Final[Mapping[str, str]] = {
    "authentication": "How the station is let in",
    "signing": "How deliveries are signed",
    "body": "What is sent",
}

PARTS: Final = (
    ("dns", "finding the host"),
    ("connect", "connecting"),
    ("tls", "TLS"),
    ("first_byte", "waiting for the answer"),
)
"""What an attempt spends its time on; what is left of it is the reading of the answer."""
