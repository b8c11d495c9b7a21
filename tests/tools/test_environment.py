"""The tools that install, lock and audit."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from tools.audit import affected, unchecked
from tools.environment import ROOT, requirements, stamp_text
from tools.lock import merge, parse, render

PINS = {"click": "8.5.1", "idna": "3.20"}


def write_checkout(folder: Path, *, pins: str = "click==8\n", dependencies: str = '["click"]') -> Path:
    (folder / "constraints.txt").write_text(pins)
    groups = '[dependency-groups]\nbuild = ["hatchling"]\ntest = ["pytest"]\n'
    (folder / "pyproject.toml").write_text(f"[project]\ndependencies = {dependencies}\n{groups}")
    return folder


def test_the_runtime_group_is_the_project_and_what_builds_it(tmp_path: Path) -> None:
    project = tomllib.loads((write_checkout(tmp_path) / "pyproject.toml").read_text())
    assert requirements("runtime", project) == ["click", "hatchling"]


def test_a_changed_pin_or_requirement_changes_the_stamp(tmp_path: Path) -> None:
    before = stamp_text("runtime", write_checkout(tmp_path))
    other_pin = stamp_text("runtime", write_checkout(tmp_path, pins="click==9\n"))
    other_requirement = stamp_text("runtime", write_checkout(tmp_path, dependencies='["click>=8"]'))
    assert len({before, other_pin, other_requirement}) == 3


def test_a_pinned_file_reads_back_as_it_was_written() -> None:
    assert parse(render(PINS)) == PINS


def test_pins_of_two_pythons_are_joined() -> None:
    assert merge(PINS, {"click": "8.5.1", "tomli": "2.5.0"}, "python3.11") == {**PINS, "tomli": "2.5.0"}


def test_two_pythons_that_need_different_versions_are_refused_by_name() -> None:
    with pytest.raises(SystemExit, match=r"click 8\.5\.1 and 9"):
        merge(PINS, {"click": "9"}, "python3.13")


def test_the_lock_pins_every_requirement_and_names_no_place() -> None:
    text = (ROOT / "constraints.txt").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [line for group in ("runtime", "test", "lint", "docs") for line in requirements(group, project)]
    wanted = {name.split(">")[0].split("[")[0].split("=")[0].lower() for name in names}
    assert wanted <= parse(text).keys()
    assert "://" not in text


def test_what_the_audit_skipped_or_left_out_counts_as_unchecked() -> None:
    report: list[dict[str, object]] = [{"name": "idna", "skip_reason": "not known there"}]
    assert unchecked(PINS, report) == ["click", "idna"]


def test_a_vulnerable_pin_is_named_with_what_mends_it() -> None:
    found = {"id": "CVE-2026-1", "fix_versions": ["3.21"]}
    report: list[dict[str, object]] = [{"name": "idna", "version": "3.20", "vulns": [found]}]
    assert affected(report) == ["idna 3.20: CVE-2026-1 (mended by 3.21)"]
    assert unchecked(PINS, report) == ["click"]


def test_a_python_that_is_too_old_gets_one_clear_line(tmp_path: Path) -> None:
    script = tmp_path / "tools" / "environment.sh"
    script.parent.mkdir()
    script.write_text((ROOT / "tools" / "environment.sh").read_text())
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": "/bin/false"}
    answer = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr.startswith("Hookstation needs Python 3.11 or newer")
    assert answer.stderr.count("\n") == 1
