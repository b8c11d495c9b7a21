"""Who signs in, and who the server must be."""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.core.values import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a connection. `host_key`: fingerprints or public keys, with commas between them."""

    username: str
    password: Secret | None = None
    private_key: Secret | None = None
    passphrase: Secret | None = None
    host_key: str = ""

    def trusts(self, fingerprint: str, public_key: str) -> bool:
        """Whether the server is who it must be. `public_key`: its type and base64, without a comment."""
        for one in self.host_key.split(","):
            words = one.split()
            if fingerprint in words[:1] or (len(words) > 1 and public_key.split()[:2] in _pairs(words)):
                return True
        return False


def _pairs(words: list[str]) -> list[list[str]]:
    """Neighbours: a line of known_hosts has the host's name in front of type and key."""
    return [words[at : at + 2] for at in range(len(words) - 1)]
