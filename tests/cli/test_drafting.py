"""`hookstation draft`: a schema on stdout, the questions beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hookstation.cli.commands import cli


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two samples of one sender."""
    for name, text in (("a.json", '{"zip": "00501", "n": 1.50}'), ("b.json", '{"zip": "10115"}')):
        (tmp_path / name).write_text(text)
    return [str(tmp_path / name) for name in ("a.json", "b.json")]


def run(*words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, ["draft", *words], input=stdin)


def test_the_schema_is_alone_on_stdout_and_the_questions_are_beside_it(files: list[str]) -> None:
    told = run(*files)
    assert 0 == told.exit_code
    assert ["zip"] == json.loads(told.stdout)["required"]
    assert "1.50" in told.stdout
    assert "[digits-as-text:/properties/zip]" in told.stderr
    assert "optional: It may be missing (assumed)" in told.stderr
    assert "(refuses a sample)" in told.stderr


def test_an_answer_changes_the_schema_and_json_has_both(files: list[str]) -> None:
    told = json.loads(run(*files, "--answer", "digits-as-text:/properties/zip=digits", "--json").stdout)
    assert "^[0-9]+$" == told["schema"]["properties"]["zip"]["pattern"]
    assert "digits" in [one["assumed"] for one in told["questions"]]


def test_a_sample_may_come_from_stdin() -> None:
    assert {"a"} == json.loads(run("-", stdin='{"a": 1}').stdout)["properties"].keys()


def test_a_sample_that_is_not_json_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    told = run(str(bad))
    assert (1, "") == (told.exit_code, told.stdout)
    assert f"{bad}: Line 1" in told.stderr


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [("nonsense", 2, "write KEY=CHOICE"), ("optional:/properties/x=optional", 1, "answers no question")],
)
def test_an_answer_to_nothing_is_refused(files: list[str], answer: str, status: int, said: str) -> None:
    told = run(*files, "--answer", answer)
    assert (status, True) == (told.exit_code, said in told.stderr)
