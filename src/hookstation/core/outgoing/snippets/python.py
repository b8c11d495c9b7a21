"""Verifying in Python."""

from __future__ import annotations

from typing import Final

from hookstation.core.outgoing.snippets.forms import Form, filled, pieces, quoted

_DOC: Final = '''
def verify(headers, body):
    """Whether a call is from the station. `headers`: names in lower case; `body`: the raw bytes, as they came."""
'''
_STANDARD: Final = """
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > «tolerance»:
        return False
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
""".lstrip("\n")
_SHARED: Final = (
    """
import base64
import hmac
import time

SECRET = «secret»

"""
    + _DOC
    + _STANDARD
    + """    key = base64.b64decode(SECRET.removeprefix("whsec_") + "==")
    expected = "v1," + base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
    proofs = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(proof.encode(), expected.encode()) for proof in proofs)
"""
)
_PUBLIC: Final = (
    """
import base64
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PUBLIC_KEY = «key»

"""
    + _DOC
    + _STANDARD
    + """    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(PUBLIC_KEY.removeprefix("whpk_") + "=="))
    for proof in headers.get("webhook-signature", "").split(" "):
        version, _, signature = proof.partition(",")
        if version == "v1a":
            try:
                key.verify(base64.b64decode(signature), signed)
                return True
            except (InvalidSignature, ValueError):
                continue
    return False
"""
)
_FAMILY: Final = (
    """
«decoding»
import hmac
import re
«time»

SECRET = «secret»

"""
    + _DOC
    + """    found = re.fullmatch(«pattern», headers.get(«header», ""))
    if not found:
        return False
«fresh»
    signed = «signed»
    digest = hmac.new(SECRET.encode(), signed, «algorithm»)
    expected = «expected»
    proofs = «proofs»
    return any(hmac.compare_digest(proof.encode(), expected.encode()) for proof in proofs)
"""
)
_FRESH: Final = """    timestamp = «timestamp»
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > «tolerance»:
        return False"""
_ID: Final = """    delivery = headers.get("webhook-id", "")"""


class Python:
    """Python 3.9 and newer."""

    def shared(self, secret: str) -> str:
        """The standard library is enough."""
        return filled(_SHARED, secret=quoted(secret))

    def public(self, key: str) -> str:
        """Needs the package cryptography."""
        return filled(_PUBLIC, key=quoted(key))

    def family(self, form: Form, secret: str) -> str:
        """The standard library is enough."""
        in_header = f'headers.get({quoted(form.timestamp_header)}, "")'
        timestamp = f"found[{form.timestamp}]" if form.timestamp else in_header
        fresh = filled(_FRESH, timestamp=timestamp) if form.is_timed else ""
        base64 = form.encoding == "base64"
        return filled(
            _FAMILY,
            decoding="import base64" if base64 else "",
            time="import time" if form.is_timed else "",
            secret=quoted(secret),
            pattern=quoted(form.pattern),
            header=quoted(form.header),
            fresh="\n".join(filter(None, (fresh, _ID if form.signs_id else ""))),
            signed=" + ".join(filter(None, (_bytes(form.before), "body", _bytes(form.after)))),
            algorithm=quoted(form.algorithm),
            expected="base64.b64encode(digest.digest()).decode()" if base64 else "digest.hexdigest()",
            proofs=f"found[{form.proof}].split({quoted(form.joint)})"
            if form.joint
            else f"[found[{form.proof}]]",
        )


def _bytes(text: str) -> str:
    names = {"timestamp": "timestamp", "id": "delivery"}
    parts = [names[one] if is_name else quoted(one) for one, is_name in pieces(text)]
    return f"({' + '.join(parts)}).encode()" if parts else ""
