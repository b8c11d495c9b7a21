"""How a station proves to a command that it is the one whose data folder the command reads."""

from __future__ import annotations

import hmac
from typing import Final

PROOF: Final = "/api/control"
"""Where it is asked to."""


def proof(control_key: str, place: str, nonce: str) -> str:
    """What only who knows the control key and holds the folder `place` can answer to a fresh `nonce`: hexadecimal.

    A command asks for it before it sends the key or anything else: a stranger may have the port by now.
    """
    asked = f"hookstation control\0{place}\0{nonce}".encode()
    return hmac.digest(control_key.encode(), asked, "sha256").hex()
