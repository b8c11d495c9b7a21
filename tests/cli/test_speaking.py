"""What commands show to people, whatever stands in it."""

from __future__ import annotations

import json
from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.cli.speaking import print_one, say, table, visible
from tests.support.command_line import heard, here
from tests.support.station import station
from tests.support.webhooks import webhook
from tests.support.wire import ask

HOSTILE = "\x1b[2J\x07\u202egood\u2066\x9b0m\x85\u2028end"


def test_what_steers_a_terminal_is_shown_as_an_escape() -> None:
    assert r"\x1b[2J\x07\u202egood\u2066\x9b0m\x85\u2028end" == visible(HOSTILE)
    assert r"a\rb\x7f\u200e\u061c" == visible("a\rb\x7f\u200e\u061c")
    assert "Zoë 名 👩\t1\n" == visible("Zoë 名 👩\t1\n")


@given(st.text())
def test_every_text_can_be_shown_and_steers_nothing(text: str) -> None:
    shown = visible(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & {category(char) for char in shown if char not in "\t\n"}
    assert shown == visible(shown)
    shown.encode()


def test_a_table_a_document_and_a_message_show_it_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    table([[HOSTILE, HOSTILE]], ("A", "B"))
    print_one({HOSTILE: HOSTILE, "group": {HOSTILE: [HOSTILE]}}, as_json=False)
    say(HOSTILE)
    told = capsys.readouterr()
    assert not set(HOSTILE) & set("\x1b\x07\u202e\u2066\x9b\x85\u2028") & set(told.out + told.err)
    assert 7 == told.out.count(r"\u202egood") + told.err.count(r"\u202egood")


def test_a_second_line_of_a_value_does_not_pass_for_a_line_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_one({"body": "a\nstate: succeeded"}, as_json=False)
    assert "body: a\n    state: succeeded\n" == capsys.readouterr().out


def test_a_payload_steers_no_terminal_but_is_whole_in_json(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with station(data, {"version": 1, "webhooks": [webhook("courses")]}) as running:
        body = json.dumps({"memberId": HOSTILE}, ensure_ascii=False)
        assert 500 == ask(running.hook("courses"), body).status
    [event] = heard("events", "list", "--data", data)["items"]
    for words in (("events", "list"), ("events", "show", event["id"])):
        shown = here(*words, "--data", data).stdout
        assert not set("\x1b\x07\u202e\u2066\x9b\x85\u2028") & set(shown)
    assert "\u202e" in heard("events", "show", event["id"], "--data", data)["body"]
