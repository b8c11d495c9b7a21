"""Certificates for tests: an authority, and what it vouches for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hookstation.core.values import Secret

BEGAN: Final = datetime(2020, 1, 1, tzinfo=UTC)
LONG: Final = timedelta(days=36_500)
BRIEF: Final = timedelta(days=1)
"""How long a certificate is good that has long expired."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and its key, as PEM."""

    certificate: str
    key: Secret

    def serving(self, folder: Path, *, clients: str = "") -> ssl.SSLContext:
        """A server's context. `clients`: the authority that clients have to be known to."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = folder / "server.pem"
        file.write_text(self.certificate + self.key.reveal())
        context.load_cert_chain(file)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=clients)
        return context


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom a test trusts."""

    certificate: str
    _own: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, name: str = "An authority of the tests") -> Self:
        """An authority that vouches for itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = (
            _begun(_named(name), _named(name), key, LONG)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(_pem(own), own, key)

    def certify(self, *hosts: str, lasts: timedelta = LONG) -> Certified:
        """A certificate for these names and addresses, a server's or a client's."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _begun(_named(hosts[0]), self._own.subject, key, lasts)
            .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Certified(_pem(certificate), _secret(key))

    def itself(self) -> Certified:
        """The authority's own certificate, with its key: nobody vouches for it."""
        return Certified(self.certificate, _secret(self._key))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(BEGAN)
        .not_valid_after(BEGAN + lasts)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _secret(key: ec.EllipticCurvePrivateKey) -> Secret:
    form = serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode())
