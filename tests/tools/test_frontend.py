"""The build of the pages' bundle, and the browser that looks at them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hatch_build
from tools import browser


def test_the_bundle_here_was_made_from_these_sources() -> None:
    assert hatch_build.sources(hatch_build.FRONTEND) == hatch_build.made_from(hatch_build.STATIC)


def test_a_changed_a_moved_and_a_new_source_each_ask_for_a_new_bundle(tmp_path: Path) -> None:
    source = tmp_path / "main.ts"
    source.write_text("1")
    found = [hatch_build.sources(tmp_path)]
    source.write_text("2")
    found.append(hatch_build.sources(tmp_path))
    source.rename(tmp_path / "other.ts")
    found.append(hatch_build.sources(tmp_path))
    (tmp_path / "more.ts").write_text("")
    found.append(hatch_build.sources(tmp_path))
    assert 4 == len(set(found))


def test_what_npm_puts_there_is_no_source(tmp_path: Path) -> None:
    before = hatch_build.sources(tmp_path)
    (tmp_path / hatch_build.MODULES).mkdir()
    (tmp_path / hatch_build.MODULES / "x.js").write_text("1")
    assert before == hatch_build.sources(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_a_bundle_that_is_not_whole_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert "" == hatch_build.made_from(tmp_path)
    assert "" == hatch_build.made_from(tmp_path / "nowhere")


def test_the_lock_file_names_versions_and_digests_and_no_place() -> None:
    packages = json.loads((hatch_build.FRONTEND / "package-lock.json").read_text())["packages"]
    libraries = [one for name, one in packages.items() if name]
    assert all({"version", "integrity"} <= one.keys() and "resolved" not in one for one in libraries)


def test_a_browser_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browser.CHOSEN, "/somewhere/chromium")
    found = browser.find()
    assert found is not None
    assert Path("/somewhere/chromium") == found.program
