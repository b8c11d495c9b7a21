"""TLS as a destination wants it."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from hookstation.adapters.sender.progress import TimedContext
from hookstation.ports.sender import Tls


class TlsUnusable(ValueError):
    """A certificate, a key or an authority of ours cannot be used."""


def tls_context(tls: Tls | None) -> ssl.SSLContext:
    """The context for one destination's connections; names and certificates are always checked.

    Trusted are `Tls.authorities` alone, or those of the machine where there are none.  Raises `TlsUnusable`.
    """
    if tls is None:
        return _usual_context()
    context = _bare_context()
    if tls.authorities:
        _trust(context, tls.authorities)
    else:
        context.load_default_certs()
    if tls.certificate:
        _show(context, tls)
    return context


@cache
def _usual_context() -> ssl.SSLContext:
    """What asks for nothing special shares one: the machine's authorities take megabytes, and long to read."""
    context = _bare_context()
    context.load_default_certs()
    return context


def _bare_context() -> ssl.SSLContext:
    context = TimedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trust(context: ssl.SSLContext, authorities: str) -> None:
    try:
        context.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError):
        raise TlsUnusable(
            "The destination's `authorities` hold no certificate that can be read; give them as PEM"
            " (-----BEGIN CERTIFICATE-----)."
        ) from None


def _show(context: ssl.SSLContext, tls: Tls) -> None:
    key = tls.key.reveal() if tls.key is not None else ""
    try:
        with _file(f"{tls.certificate}\n{key}") as path:
            context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError):
        raise TlsUnusable(
            "The destination's client certificate and key cannot be used; give both as PEM, the key without a"
            " password, and the key that belongs to the certificate."
        ) from None


def _no_password() -> str:
    """A key that is locked is refused; OpenSSL would ask for its password on the terminal."""
    return ""


@contextmanager
def _file(text: str) -> Iterator[str]:
    """A file, because OpenSSL takes a key from nowhere else: in memory where that can be, else private and brief."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        handle = os.memfd_create("tls")
        path = f"/proc/self/fd/{handle}"
    else:
        handle, path = tempfile.mkstemp()
    try:
        os.write(handle, text.encode())
        yield path
    finally:
        os.close(handle)
        with suppress(OSError):  # what is in memory has no name that could be taken away
            Path(path).unlink()
