"""The judges of signatures: which they are is written down, and where they come from is not."""

from __future__ import annotations

import json

from tools import judges


def test_each_judge_has_one_version() -> None:
    wanted = json.loads((judges.SOURCES / "package.json").read_text())["dependencies"]
    packages = json.loads((judges.SOURCES / "package-lock.json").read_text())["packages"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}


def test_the_lock_file_names_versions_and_digests_and_no_place() -> None:
    packages = json.loads((judges.SOURCES / "package-lock.json").read_text())["packages"]
    libraries = [one for name, one in packages.items() if name]
    assert all({"version", "integrity"} <= one.keys() and "resolved" not in one for one in libraries)


def test_what_is_there_is_not_brought_again() -> None:
    stamp = judges.bring() / judges.STAMP
    before = stamp.stat().st_mtime_ns
    assert before == (judges.bring() / judges.STAMP).stat().st_mtime_ns
    assert judges.wanted() == stamp.read_text()
