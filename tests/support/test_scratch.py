"""Where the files of a run lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import scratch


def test_a_folder_that_is_not_there_has_no_room(tmp_path: Path) -> None:
    assert not scratch.has_room(tmp_path / "nowhere")


def test_a_folder_has_room_while_so_much_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "ROOM", 1)
    assert scratch.has_room(tmp_path)
    monkeypatch.setattr(scratch, "ROOM", 2**80)
    assert not scratch.has_room(tmp_path)


def test_a_place_that_was_chosen_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(scratch, "ROOM", 1)
    scratch.choose()
    assert str(tmp_path) == os.environ["TMPDIR"]
