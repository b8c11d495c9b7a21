"""What the wizard makes of known samples, kept in files: ``python -m tests.support.golden`` writes them anew.

A golden file has the draft, its questions, its table and the proposals for an Activity; whoever changes one reads the
difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.draft import draft_schema
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.pretty import indented
from hookstation.core.propose import propose
from hookstation.core.schema_rows import Row, schema_rows
from hookstation.core.values import JSON

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "tests" / "core" / "golden"


def samples() -> dict[str, list[JSON]]:
    """The samples by the name of their golden file."""
    found: dict[str, list[JSON]] = {}
    for path in sorted((FOLDER / "samples").glob("*.json")):
        listed = parse_json(path.read_bytes()).value
        assert isinstance(listed, list)
        found[path.stem] = listed
    for path in sorted((ROOT / "examples").glob("*/payload.json")):
        found[path.parent.name] = [parse_json(path.read_bytes()).value]
    return found


def golden(payloads: list[JSON]) -> str:
    """The text of a golden file."""
    draft = draft_schema(payloads)
    proposed = propose(draft.schema, ACTIVITY_SPEC, payloads)
    told: dict[str, JSON] = {
        "schema": draft.schema,
        "questions": [f"{one.key}: {one.said} → {one.assumed}" for one in draft.questions],
        "rows": [_line(row) for row in schema_rows(draft.schema)],
        "proposals": [
            f"{one.field} ← {one.template} ({one.score}) {one.reason}"
            for found in proposed.values()
            for one in found
        ],
    }
    return indented(told) + "\n"


def _line(row: Row) -> str:
    """A row of the table with all that is not empty in it."""
    shown = row.as_json()
    left_out = ("pointer", "path", "name", "depth")
    said = [f"{name}={dump_json(one)}" for name, one in shown.items() if one and name not in left_out]
    return f"{shown['path']}: {' '.join(said)}"


def main() -> None:
    """Write every golden file."""
    for name, payloads in samples().items():
        (FOLDER / f"{name}.json").write_text(golden(payloads))


if __name__ == "__main__":
    main()
