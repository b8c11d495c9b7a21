"""history and rollback as a person uses them: real commands on a data folder, no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import heard, here
from tests.support.webhooks import webhook


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the webhook `courses` was changed once."""
    folder = tmp_path_factory.mktemp("versions")
    for title in ("old", "new"):
        document: Any = {"version": 1, "webhooks": [webhook("courses", title=title)]}
        (folder / "config.json").write_text(json.dumps(document))
        applied = here("apply", folder / "config.json", "--yes", "--data", folder / "data")
        assert 0 == applied.exit_code, applied.stderr
    return folder / "data"


def test_the_history_says_who_changed_what_and_when(data: Path) -> None:
    versions = heard("webhooks", "history", "courses", "--data", data)["items"]
    assert [(2, "published"), (1, "published")] == [(one["version"], one["state"]) for one in versions[-2:]]
    assert all(one["by"] and one["at"].startswith("20") for one in versions)
    shown = here("webhooks", "history", "courses", "--data", data).stdout
    assert ["VERSION", "SAVED", "BY", "STATE", "NOTE"] == shown.splitlines()[0].split()
    told = here("webhooks", "history", "courses", "--version", "2", "--data", data).stdout
    assert ["title", "changed", "old", "new"] == told.splitlines()[1].split()


def test_an_old_version_is_live_again(data: Path) -> None:
    live = heard("webhooks", "rollback", "courses", "1", "--yes", "--data", data)
    assert "back to version 1" == live["note"]
    assert "old" == heard("webhooks", "show", "courses", "--data", data)["title"]
    again = here("webhooks", "rollback", "courses", "2", "--data", data)
    assert (0, "") == (again.exit_code, again.stdout)
    assert "Version 2 of courses is live again" in again.stderr


@pytest.mark.parametrize(
    "words", [("history", "none"), ("rollback", "none", "1"), ("rollback", "courses", "99")]
)
def test_what_is_not_there_is_not_found(data: Path, words: tuple[str, ...]) -> None:
    ended = here("webhooks", *words, "--data", data)
    assert 1 == ended.exit_code
    assert "There is no" in ended.stderr
