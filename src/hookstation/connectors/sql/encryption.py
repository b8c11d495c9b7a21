"""TLS of a database connection: the certificate must bear the name that was configured, whatever address it has."""

from __future__ import annotations

import ssl
from typing import Final

OFF: Final = "off"
REQUIRE: Final = "require"
VERIFY: Final = "verify"

INSECURE: Final = (
    "No secure connection to the database could be made; look at `tls` and `tls_ca` of the connection."
)


class _Named(ssl.SSLContext):
    """Checks the certificate against one name, since the connection is made to an address."""

    expected = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,  # noqa: ARG002 - the address
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As ever, with the name in place of the address."""
        return super().wrap_bio(incoming, outgoing, server_side, self.expected, session)


def encryption(mode: str, authorities: str, host: str) -> ssl.SSLContext | None:
    """The context for a connection to this host; ``None`` for an open one.

    `authorities`: whom to trust as PEM, empty for those of the system.  Raises `ssl.SSLError` for no PEM.
    """
    if mode == OFF:
        return None
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.expected = host
    if mode == REQUIRE:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authorities:
        context.load_verify_locations(cadata=authorities)
    else:
        context.load_default_certs()
    return context
