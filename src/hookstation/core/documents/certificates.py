"""Certificates and keys as PEM: whether TLS could use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from hookstation.core.outgoing.definitions import ClientTls
from hookstation.core.values import Secret
from hookstation.errors import Problem

_PASTE: Final = "paste the PEM text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."


def certificate_problems(tls: ClientTls) -> Iterator[Problem]:
    """What is wrong with the settings of TLS. Whether a certificate is still valid is for TLS itself to say."""
    if tls.authorities and not _certificates(tls.authorities):
        yield Problem(("authorities",), f"holds no certificate; {_PASTE}")
    own = _certificates(tls.certificate)
    if tls.certificate and not own:
        yield Problem(("certificate",), f"holds no certificate; {_PASTE}")
    if tls.certificate and tls.key is None:
        yield Problem((), "“key” is missing: the certificate is of no use without its key.")
    if tls.key is not None:
        yield from _key_problems(tls.key, own, bool(tls.certificate))


def _key_problems(secret: Secret, own: list[Certificate], has_certificate: bool) -> Iterator[Problem]:
    key = _private_key(secret)
    if not has_certificate:
        yield Problem((), "“certificate” is missing: the key is of no use without its certificate.")
    if key is None:
        yield Problem(
            ("key",),
            "is not a private key without a passphrase; paste its PEM text, from -----BEGIN PRIVATE KEY----- on.",
        )
    elif own and _public(key) != own[0].public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ):
        yield Problem(("key",), "is not the key of the first certificate in “certificate”.")


def _public(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificates(pem: str) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(pem.encode())
    except ValueError:
        return []


def _private_key(secret: Secret) -> PrivateKeyTypes | None:
    try:
        return load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
