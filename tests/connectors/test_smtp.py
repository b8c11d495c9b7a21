"""SMTP against a real server: the suite, how we sign in, and what its answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.connectors import build_connector
from hookstation.connectors.smtp.message import compose
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Secret
from hookstation.errors import Busy, Invalid, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.mail import Mail, MailConnector
from hookstation.testing.connector_suite import refusal
from hookstation.testing.mail_suite import ANNA, MAIL, MailBench, MailSuite
from tests.support.certificates import Authority
from tests.support.files import outside
from tests.support.smtp_server import PASSWORD, USER, SmtpHost

AUTHORITY = Authority.new()
CERTIFIED = AUTHORITY.certify("127.0.0.1")


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[SmtpHost]:
    async with SmtpHost(CERTIFIED.serving(tmp_path), wants_account=True).running() as running:
        yield running


@pytest.fixture
def bench(host: SmtpHost) -> MailBench:
    return MailBench(connector(host), lambda: host.taken)


def connector(server: SmtpHost, password: str = PASSWORD, **settings: JSON) -> MailConnector:
    usual: dict[str, JSON] = {
        "host": "127.0.0.1",
        "port": server.port,
        "networks": ["127.0.0.1/32"],
        "timeout": 10,
        "security": "starttls",
        "authorities": AUTHORITY.certificate,
        "username": USER,
        "sender": "Office <office@example.org>",
    }
    secrets = {"password": Secret(password)} if password else {}
    made = build_connector(Connection("mail", "smtp", {**usual, **settings}, secrets), outside())
    assert isinstance(made, MailConnector)
    return made


class TestSmtp(MailSuite):
    """SMTP with TLS that is asked for keeps what every way of sending keeps."""


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    """Implicit TLS (RFC 8314) takes mails."""
    async with SmtpHost(CERTIFIED.serving(tmp_path), from_the_first_byte=True).running() as host:
        await connector(host, security="tls").send(MAIL)
        assert 1 == len(host.taken)


async def test_without_tls_only_where_the_setting_says_it() -> None:
    """A server that offers none is refused before anything is said; with `none` it is used, and the check says so."""
    async with SmtpHost().running() as host:
        refused = await refusal(connector(host).send(MAIL))
        assert isinstance(refused, Terminal)
        assert "security" in refused.message
        plain = connector(host, "", security="none", username="")
        assert "not signed in; the connection is not encrypted" in await plain.check()
        await plain.send(MAIL)
        assert "office@example.org" == host.taken[0].sender


async def test_a_wrong_password_needs_a_person(host: SmtpHost) -> None:
    """And is not told on."""
    refused = await refusal(connector(host, "wrong word").check())
    assert isinstance(refused, NeedsAuth)
    assert "wrong word" not in refused.message + refused.detail


async def test_a_server_that_nobody_vouches_for_is_refused(host: SmtpHost) -> None:
    """The sentence names the setting for one's own authority."""
    refused = await refusal(connector(host, authorities="").check())
    assert isinstance(refused, Terminal)
    assert "authorities" in refused.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 later", Busy), ("554 spam", Terminal), ("552 too large", Terminal), ("", UnknownOutcome)],
)
async def test_an_answer_to_the_message_decides(host: SmtpHost, answer: str, kind: type[Exception]) -> None:
    """Refused for now, refused for good, and no answer at all: then it may be on its way."""
    host.answer = answer
    assert kind is type(await refusal(connector(host).send(MAIL)))
    assert not host.taken


async def test_recipients_that_are_refused_for_now_are_tried_again(host: SmtpHost) -> None:
    """Where all of them are."""
    assert isinstance(await refusal(connector(host).send(replace(MAIL, to=("later@example.org",)))), Busy)


async def test_nobody_there_is_for_later_and_a_forbidden_address_is_not(host: SmtpHost) -> None:
    """As with every system that is called."""
    assert isinstance(await refusal(connector(SmtpHost(port=1)).check()), Retriable)
    with pytest.raises(Invalid, match="networks"):
        connector(host, networks=[])
    with pytest.raises(Invalid, match="sender"):
        connector(host, sender="nobody")
    with pytest.raises(Invalid, match="password"):
        connector(host, "")


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)


@given(subject=WORDS, text=st.text(st.characters(exclude_categories=["Cs"]), max_size=500))
def test_what_goes_out_is_ascii_and_comes_back_the_same(subject: str, text: str) -> None:
    """Whatever is in subject and text: short lines with CRLF, no byte above 127, and no header more than was meant."""
    envelope = compose(Mail((ANNA,), subject, text), "office@example.org", 0)
    assert envelope.data.isascii()
    assert all(len(line) <= 998 for line in envelope.data.split(b"\r\n"))
    assert b"\n" not in envelope.data.replace(b"\r\n", b"")
    message = message_from_bytes(envelope.data, policy=default)
    assert {"from", "to", "subject", "date", "message-id"} == {name.lower() for name in list(message)} - {
        "content-type",
        "content-transfer-encoding",
        "mime-version",
    }
    assert subject.split() == str(message["Subject"]).split()
