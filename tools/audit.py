"""Look every pin of ``constraints.txt`` up among the known vulnerabilities; what could not be checked fails.

``python -m tools.audit`` exits 0 only when the vulnerability service knows each pin and none is affected.
One pin is asked for first: where the service does not know even that one, it cannot be reached or is a mirror
without vulnerability data, and nothing is said about the others.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.environment import CONSTRAINTS
from tools.lock import parse, render

PROBE = "pip-audit"


def unchecked(pins: Mapping[str, str], report: list[dict[str, object]]) -> list[str]:
    """Names of pins that the report says nothing certain about."""
    checked = {str(item["name"]).lower().replace("_", "-") for item in report if "skip_reason" not in item}
    return sorted(pins.keys() - checked)


def affected(report: list[dict[str, object]]) -> list[str]:
    """One line per vulnerability in the report: name, version, its id, and the versions that mend it."""
    lines = []
    for item in report:
        vulnerabilities = item.get("vulns")
        for found in vulnerabilities if isinstance(vulnerabilities, list) else []:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            lines.append(f"{item['name']} {item['version']}: {found['id']} (mended by {mended})")
    return lines


def look_up(pins: Mapping[str, str]) -> list[dict[str, object]]:
    """What pip-audit reports on these pins; empty where it could not do its work."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "pins.txt"
        listed.write_text(render(dict(pins)))
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--requirement",
            str(listed),
            "--no-deps",
            "--disable-pip",
        ]
        command += ["--format", "json", "--progress-spinner", "off"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report: list[dict[str, object]] = json.loads(answer.stdout)["dependencies"]
    except (ValueError, KeyError):
        return []
    return report


def main() -> int:
    """Audit and say so; the exit code."""
    pins = parse(CONSTRAINTS.read_text())
    if unchecked({PROBE: pins[PROBE]}, look_up({PROBE: pins[PROBE]})):
        sys.stderr.write(
            f"make audit FAILED: nothing was checked, because the vulnerability service did not answer for "
            f"{PROBE} {pins[PROBE]}. Run it on a machine that reaches the service.\n"
        )
        return 1
    report = look_up(pins)
    missed, found = unchecked(pins, report), affected(report)
    for line in found:
        sys.stderr.write(f"vulnerable: {line}\n")
    if missed:
        sys.stderr.write(f"could not be checked: {', '.join(missed)}\n")
    if found or missed:
        sys.stderr.write(
            f"make audit FAILED: {len(found)} vulnerabilities, {len(missed)} pins not checked.\n"
        )
        return 1
    sys.stdout.write(f"{len(pins)} pins checked, no known vulnerability.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
