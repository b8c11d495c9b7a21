"""What every way of sending mail, and every mailbox, has to keep, as tests.

A connector's test file subclasses `MailSuite` or `MailboxSuite` and gives a ``bench`` fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

import pytest

from hookstation.errors import NotFound, Terminal
from hookstation.ports.mail import Attachment, Mail, MailboxConnector, MailConnector, Received
from hookstation.testing.connector_suite import refusal

ANNA: Final = "anna@example.org"
BERT: Final = "bert@example.org"
NOBODY: Final = "nobody@example.org"
MAIL: Final = Mail((ANNA,), "Course passed", "Hello", message_id="<run-1.mail@station.example>")

INJECTED: Final = (
    replace(MAIL, subject="a\r\nBcc: eve@example.org"),
    replace(MAIL, subject="a\u2028b"),
    replace(MAIL, to=(f"{ANNA}\r\nBcc: eve@example.org",)),
    replace(MAIL, to=(f"{ANNA}, eve@example.org",)),
    replace(MAIL, to=("Anna\n <anna@example.org>",)),
    replace(MAIL, cc=("<anna@example.org> <eve@example.org>",)),
    replace(MAIL, bcc=("anna",)),
    replace(MAIL, sender="a@b.example\nX: y"),
    replace(MAIL, reply_to="a@b.example\nX: y"),
    replace(MAIL, message_id="<a@b>\r\nX: y"),
    replace(MAIL, attachments=(Attachment("a\r\nX: y.csv", "text/csv", b""),)),
    replace(MAIL, attachments=(Attachment("a.csv", "text/csv\r\nX: y", b""),)),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes

    @property
    def message(self) -> EmailMessage:
        """What is in it."""
        message = message_from_bytes(self.data, policy=default)
        assert isinstance(message, EmailMessage)
        return message


@dataclass(frozen=True, slots=True)
class MailBench:
    """A connector, and the mails that the server behind it took. The server refuses `NOBODY`."""

    connector: MailConnector
    taken: Callable[[], Sequence[Taken]]

    def only(self) -> Taken:
        """The one mail that the server took."""
        (mail,) = self.taken()
        return mail


class MailSuite:
    """For every way of sending mail."""

    async def test_it_says_what_it_is(self, bench: MailBench) -> None:
        """It sends mail, holds no records, and its check is a sentence that sends nothing."""
        assert isinstance(bench.connector, MailConnector)
        assert bench.connector.operations == frozenset()
        assert (await bench.connector.check()).endswith(".")
        assert not bench.taken()
        await bench.connector.close()
        await bench.connector.close()

    async def test_a_mail_arrives_as_it_is(self, bench: MailBench) -> None:
        """Both texts, the attachments byte for byte, every header, and who gets it."""
        attachments = (
            Attachment("Mitglieder März.csv", "text/csv", "ID,Name\r\n1,Ä\r\n".encode()),
            Attachment("a.bin", "application/octet-stream", bytes(range(256)) * 50),
        )
        refused = await bench.connector.send(
            Mail(
                (f"Anna Müller <{ANNA}>",),
                "Prüfung bestanden – " + "sehr " * 40,
                "Grüße\n.\n..\nFrom here\n" + "x" * 3_000,
                "<p>Grüße</p>",
                "Büro <office@example.org>",
                (BERT,),
                reply_to="answers@example.org",
                attachments=attachments,
                message_id="<run-1.mail@station.example>",
            )
        )
        assert list(refused) == []
        taken = bench.only()
        message = taken.message
        assert (taken.sender, taken.recipients) == ("office@example.org", (ANNA, BERT))
        assert "Prüfung bestanden – " + ("sehr " * 40).rstrip() == str(message["Subject"]).rstrip()
        assert ["Büro <office@example.org>", f"Anna Müller <{ANNA}>", BERT, "answers@example.org"] == [
            str(message[name]) for name in ("From", "To", "Cc", "Reply-To")
        ]
        assert message["Message-ID"] == "<run-1.mail@station.example>"
        assert message["Date"]
        plain, html = message.get_body(("plain",)), message.get_body(("html",))
        assert plain is not None
        assert html is not None
        assert _unix(plain.get_content()).rstrip("\n") == "Grüße\n.\n..\nFrom here\n" + "x" * 3_000
        assert _unix(html.get_content()).rstrip("\n") == "<p>Grüße</p>"
        assert [(one.name, one.type) for one in attachments] == [
            (part.get_filename(), part.get_content_type()) for part in message.iter_attachments()
        ]
        assert [one.data for one in attachments] == [
            part.get_payload(decode=True) for part in message.iter_attachments()
        ]

    async def test_a_hidden_recipient_is_in_no_header(self, bench: MailBench) -> None:
        """And who is named twice gets it once."""
        await bench.connector.send(replace(MAIL, bcc=(BERT, ANNA)))
        assert bench.only().recipients == (ANNA, BERT)
        assert BERT.encode() not in bench.only().data

    async def test_html_alone_and_nothing_at_all_are_mails(self, bench: MailBench) -> None:
        """Without a text the HTML is the text; an empty mail is a mail with an id and a sender of its own."""
        await bench.connector.send(replace(MAIL, text="", html="<p>x</p>"))
        await bench.connector.send(Mail((ANNA,), ""))
        html, empty = (taken.message for taken in bench.taken())
        assert (html.get_content_type(), empty.get_content_type()) == ("text/html", "text/plain")
        assert empty["Message-ID"]
        assert empty["From"]

    async def test_who_is_refused_is_told(self, bench: MailBench) -> None:
        """The others get it; where nobody does, that is terminal and nothing was sent."""
        assert list(await bench.connector.send(replace(MAIL, cc=(NOBODY,)))) == [NOBODY]
        assert bench.only().recipients == (ANNA,)
        assert isinstance(await refusal(bench.connector.send(replace(MAIL, to=(NOBODY,)))), Terminal)
        assert isinstance(await refusal(bench.connector.send(replace(MAIL, to=()))), Terminal)
        assert len(bench.taken()) == 1

    @pytest.mark.parametrize("mail", INJECTED)
    async def test_no_header_is_smuggled_in(self, bench: MailBench, mail: Mail) -> None:
        """Line breaks and second addresses are refused before anything is sent."""
        assert isinstance(await refusal(bench.connector.send(mail)), Terminal)
        assert not bench.taken()


@dataclass(frozen=True, slots=True)
class MailboxBench:
    """A connector, and the mailbox behind it.

    `put` places a message in INBOX and gives its uid; `recount` makes the server count INBOX anew; `marks` are the
    flags of all its mails.
    """

    connector: MailboxConnector
    put: Callable[[bytes], int]
    recount: Callable[[], None]
    marks: Callable[[], Sequence[str]]


class MailboxSuite:
    """For every mailbox."""

    async def test_it_says_what_it_is(self, bench: MailboxBench) -> None:
        """It is a mailbox that holds no records, and its check is a sentence."""
        assert isinstance(bench.connector, MailboxConnector)
        assert bench.connector.operations == frozenset()
        assert (await bench.connector.check()).endswith(".")
        await bench.connector.close()
        await bench.connector.close()

    async def test_an_empty_mailbox_has_nothing(self, bench: MailboxBench) -> None:
        """A fetch brings nothing, whatever uid the next mail will have."""
        validity, uid = await bench.connector.newest("INBOX")
        for after in (0, uid):
            assert _plain(await bench.connector.fetch("INBOX", validity, after, 10)) == (validity, [])

    async def test_mails_come_in_order_and_once(self, bench: MailboxBench) -> None:
        """From a uid on, at most as many as are asked for; behind the last one there is nothing."""
        uids = [bench.put(_message(f"mail {number}")) for number in range(5)]
        validity, newest = await bench.connector.newest("INBOX")
        assert uids[-1] == newest
        same, first = await bench.connector.fetch("INBOX", validity, 0, 2)
        assert (validity, uids[:2]) == (same, [mail.uid for mail in first])
        _, rest = await bench.connector.fetch("INBOX", validity, first[-1].uid, 10)
        assert [mail.subject for mail in rest] == ["mail 2", "mail 3", "mail 4"]
        assert list((await bench.connector.fetch("INBOX", validity, newest, 10))[1]) == []

    async def test_a_mail_is_read_whole(self, bench: MailboxBench) -> None:
        """Its headers, both texts and its attachments."""
        message = EmailMessage()
        message["From"] = "Büro <office@example.org>"
        message["To"] = f"Anna Müller <{ANNA}>, {BERT}"
        message["Subject"] = "Prüfung"
        message["Message-ID"] = "<1@example.org>"
        message.set_content("Grüße\n")
        message.add_alternative("<p>Grüße</p>\n", subtype="html")
        message.add_attachment(
            b"\x00\xff", maintype="application", subtype="pdf", filename="Zeugnis März.pdf"
        )
        uid = bench.put(message.as_bytes())
        (mail,) = (await bench.connector.fetch("INBOX", 0, 0, 10))[1]
        assert mail.at > 1_500_000_000_000_000
        assert mail == Received(
            uid,
            "<1@example.org>",
            mail.at,
            "Büro <office@example.org>",
            (f"Anna Müller <{ANNA}>", BERT),
            "Prüfung",
            "Grüße\n",
            "<p>Grüße</p>\n",
            (Attachment("Zeugnis März.pdf", "application/pdf", b"\x00\xff"),),
        )

    @pytest.mark.parametrize(
        "raw",
        [
            b"\r\n",
            b"no header at all",
            b"Subject: =?utf-9?q?x?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe",
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n!",
        ],
    )
    async def test_a_broken_mail_is_read_as_far_as_it_goes(self, bench: MailboxBench, raw: bytes) -> None:
        """Nobody can stop the reading of a mailbox with one mail."""
        uids = [bench.put(raw), bench.put(_message("next"))]
        _, mails = await bench.connector.fetch("INBOX", 0, 0, 10)
        assert uids == [mail.uid for mail in mails]
        assert mails[-1].subject == "next"

    async def test_nothing_in_it_is_changed(self, bench: MailboxBench) -> None:
        """A mail that was fetched is as unread as before."""
        bench.put(_message("one"))
        before = list(bench.marks())
        await bench.connector.fetch("INBOX", 0, 0, 10)
        assert before == list(bench.marks())

    async def test_a_server_that_counts_anew_is_read_anew(self, bench: MailboxBench) -> None:
        """The uid of before does not count under another validity."""
        bench.put(_message("one"))
        validity, newest = await bench.connector.newest("INBOX")
        bench.recount()
        other, mails = await bench.connector.fetch("INBOX", validity, newest + 100, 10)
        assert validity != other
        assert [mail.subject for mail in mails] == ["one"]

    async def test_a_folder_that_is_not_there_is_not_found(self, bench: MailboxBench) -> None:
        """Reading it and asking for its newest say so; a name with marks and line breaks is a name or refused."""
        for call in (
            bench.connector.newest("No such folder"),
            bench.connector.fetch('Köln "&\\ %', 0, 0, 1),
        ):
            assert isinstance(await refusal(call), NotFound)
        assert isinstance(await refusal(bench.connector.newest("INBOX\r\nx LOGOUT")), Terminal)


def _message(subject: str) -> bytes:
    message = EmailMessage()
    message["From"] = "office@example.org"
    message["To"] = ANNA
    message["Subject"] = subject
    message.set_content("text")
    return message.as_bytes()


def _plain(fetched: tuple[int, Sequence[Received]]) -> tuple[int, list[Received]]:
    return fetched[0], list(fetched[1])


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")
