"""TLS to the database: a server is believed by the certificate authority that the settings name, and no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hookstation.errors import StoreUnavailable
from hookstation.wiring.opening import open_store
from tests.support.cluster import new_master_key
from tests.support.command_line import here
from tests.support.postgres import NOBODY, Server, execute, private_folder
from tests.wiring.test_opening import settings

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def certify(folder: Path, name: str) -> None:
    """A certificate for 127.0.0.1 that signs itself, and its key, as ``NAME.crt`` and ``NAME.key``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(BEGAN)
        .not_valid_after(BEGAN + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(text)
    (folder / f"{name}.key").chmod(0o600)
    if os.geteuid() == 0:
        os.chown(folder / f"{name}.key", NOBODY, NOBODY)


@pytest.fixture
def secure() -> Iterator[tuple[Server, Path]]:
    """A server with a certificate, and the folder where it lies."""
    with private_folder() as (programs, folder):
        certify(folder, "server")
        certify(folder, "stranger")
        server = Server(programs, folder)
        try:
            server.make()
            yield server, folder
        finally:
            server.kill()


async def test_a_server_proves_who_it_is(secure: tuple[Server, Path], tmp_path: Path) -> None:
    """With verify-full the named authority opens the way; another one, or no encryption there, closes it."""
    server, folder = secure
    told = {
        "HOOKSTATION_MASTER_KEY": new_master_key(),
        "HOOKSTATION_DATABASE_URL": f"{server.url('postgres')}?sslmode=verify-full",
        "HOOKSTATION_DATABASE_TLS_CA": str(folder / "server.crt"),
    }
    with pytest.raises(StoreUnavailable):
        await open_store(settings(tmp_path, told))
    await execute(
        server.url("postgres"),
        f"ALTER SYSTEM SET ssl_cert_file = '{folder / 'server.crt'}'",
        f"ALTER SYSTEM SET ssl_key_file = '{folder / 'server.key'}'",
        "ALTER SYSTEM SET ssl = on",
    )
    server.crash()
    server.start()
    await (await open_store(settings(tmp_path, told))).close()
    strange = {**told, "HOOKSTATION_DATABASE_TLS_CA": str(folder / "stranger.crt")}
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        await open_store(settings(tmp_path, strange))


@pytest.mark.parametrize("name", ["none.pem", "letter.pem"])
def test_certificates_that_cannot_be_read_are_told(tmp_path: Path, name: str) -> None:
    """The setting and the file are named, not a server that does not answer."""
    (tmp_path / "letter.pem").write_text("Dear reader, this is no certificate.")
    file = tmp_path / name
    told = {
        "HOOKSTATION_MASTER_KEY": new_master_key(),
        "HOOKSTATION_DATABASE_URL": "postgresql://me@127.0.0.1:9/j?sslmode=verify-full",
        "HOOKSTATION_DATABASE_TLS_CA": str(file),
    }
    for words in (["webhooks", "list"], ["migrate"], ["doctor"]):
        ended = here(*words, "--data", tmp_path / "data", **told)
        assert 1 == ended.exit_code
        assert (
            f"database_tls_ca: {file} has no certificate (PEM) that can be read."
            in ended.output + ended.stderr
        )
