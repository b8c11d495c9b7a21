"""IMAP against a real server: the suite, how we sign in, large mails, and names on the wire."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.connectors import build_connector
from hookstation.connectors.imap.names import wire_name
from hookstation.connectors.imap.parse import read_mail
from hookstation.connectors.imap.session import translate
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Secret
from hookstation.errors import Invalid, NeedsAuth, Retriable, Terminal
from hookstation.ports.mail import MailboxConnector
from hookstation.testing.connector_suite import refusal
from hookstation.testing.mail_suite import MailboxBench, MailboxSuite
from tests.support.certificates import Authority
from tests.support.files import outside
from tests.support.imap_server import PASSWORD, USER, ImapHost

AUTHORITY = Authority.new()
CERTIFIED = AUTHORITY.certify("127.0.0.1")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ImapHost]:
    with ImapHost(CERTIFIED.serving(tmp_path), from_the_first_byte=True).running() as running:
        yield running


@pytest.fixture
def bench(host: ImapHost) -> MailboxBench:
    return MailboxBench(connector(host), host.put, host.recount, host.marks)


def connector(server: ImapHost, password: str = PASSWORD, **settings: JSON) -> MailboxConnector:
    usual: dict[str, JSON] = {
        "host": "127.0.0.1",
        "port": server.port,
        "networks": ["127.0.0.1/32"],
        "timeout": 10,
        "security": "tls",
        "authorities": AUTHORITY.certificate,
        "username": USER,
        "largest": 1 << 20,
    }
    secrets = {"password": Secret(password)}
    made = build_connector(Connection("box", "imap", {**usual, **settings}, secrets), outside())
    assert isinstance(made, MailboxConnector)
    return made


class TestImap(MailboxSuite):
    """IMAP with TLS from the first byte keeps what every mailbox keeps."""


async def test_tls_that_is_asked_for(tmp_path: Path) -> None:
    """STARTTLS comes before signing in; where the server does not offer it, nothing is said."""
    with ImapHost(CERTIFIED.serving(tmp_path)).running() as host:
        uid = host.put(b"Subject: x\r\n\r\n")
        _, mails = await connector(host, security="starttls").fetch("INBOX", 0, 0, 1)
        assert [uid] == [mail.uid for mail in mails]
    with ImapHost().running() as host:
        refused = await refusal(connector(host, security="starttls").newest("INBOX"))
        assert isinstance(refused, Terminal)
        assert "security" in refused.message
        assert "not encrypted" in await connector(host, security="none").check()


async def test_a_large_mail_says_so_itself(host: ImapHost) -> None:
    """Its head is read, its text names the setting; the mail behind it comes as always."""
    host.put(b"Subject: large\r\nMessage-ID: <1@example.org>\r\n\r\n" + b"x" * 5_000)
    host.put(b"Subject: small\r\n\r\ntext")
    _, (large, small) = await connector(host, largest=2_000).fetch("INBOX", 0, 0, 10)
    assert ("large", "<1@example.org>") == (large.subject, large.message_id)
    assert "`largest`" in large.text
    assert ("small", "text") == (small.subject, small.text)


async def test_a_wrong_password_needs_a_person(host: ImapHost) -> None:
    """And is not told on."""
    refused = await refusal(connector(host, "wrong word").check())
    assert isinstance(refused, NeedsAuth)
    assert "wrong word" not in refused.message + refused.detail


async def test_a_server_that_nobody_vouches_for_is_refused(host: ImapHost) -> None:
    """The sentence names the setting for one's own authority."""
    refused = await refusal(connector(host, authorities="").check())
    assert isinstance(refused, Terminal)
    assert "authorities" in refused.message


async def test_nobody_there_is_for_later_and_a_forbidden_address_is_not() -> None:
    """As with every system that is called."""
    assert isinstance(await refusal(connector(ImapHost(port=1)).check()), Retriable)
    with pytest.raises(Invalid, match="networks"):
        connector(ImapHost(port=1), networks=[])


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectionResetError(), EOFError(), imaplib.IMAP4.abort("gone"), ssl.SSLError("bad")],
)
def test_a_connection_that_breaks_is_tried_again(error: Exception) -> None:
    """Whatever it breaks with: reading changes nothing."""
    assert isinstance(translate(error), Retriable)


def test_names_are_written_as_servers_read_them() -> None:
    """The examples of RFC 3501, and what has to be escaped."""
    assert '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"' == wire_name("~peter/mail/台北/日本語")
    assert '"Entw&APw-rfe"' == wire_name("Entwürfe")
    assert '"A&-B \\"C\\" \\\\"' == wire_name('A&B "C" \\')


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_a_name_on_the_wire_is_ascii_and_one_word(name: str) -> None:
    """Quoted, without a line break, and different for different names."""
    wire = wire_name(name)
    assert wire.isascii()
    assert wire.isprintable()
    assert wire != wire_name(f"{name}ä")


@given(st.binary(max_size=400), st.sampled_from(["From", "To", "Subject", "Content-Type", "Message-ID"]))
def test_any_bytes_are_a_mail(raw: bytes, name: str) -> None:
    """Whatever somebody sends: it can be read as something."""
    assert 7 == read_mail(7, 0, raw).uid
    assert 7 == read_mail(7, 0, f"{name}: ".encode() + raw).uid
