"""What the wizard makes of the samples of known senders stays what a person has read and found right."""

from __future__ import annotations

import pytest

from hookstation.core.jsontext import Parsed, dump_json, parse_json, plain_of
from hookstation.core.schema import compile_schema
from hookstation.core.schema_edits import apply_edits
from hookstation.core.schema_rows import schema_rows
from hookstation.core.values import JSON
from tests.support.golden import FOLDER, ROOT, golden, samples

SAMPLES = samples()
SCHEMAS = sorted((ROOT / "examples").glob("*/schema.json"))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_draft_the_table_and_the_proposals_are_those_of_the_golden_file(name: str) -> None:
    """After a change that is meant, ``python -m tests.support.golden`` writes the files anew."""
    assert (FOLDER / f"{name}.json").read_text() == golden(SAMPLES[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_the_draft_of_a_golden_file_takes_its_samples(name: str) -> None:
    kept = parse_json((FOLDER / f"{name}.json").read_bytes()).value
    assert isinstance(kept, dict)
    compiled = compile_schema(kept["schema"])
    assert [] == [said for one in SAMPLES[name] for said in compiled.violations(Parsed(one, plain_of(one)))]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: str(path.parent.name))
def test_a_schema_of_an_example_survives_its_table_to_the_letter(path: object) -> None:
    schema = parse_json(ROOT.joinpath(str(path)).read_bytes()).value
    edits: list[JSON] = [row.as_json() for row in schema_rows(schema)]
    assert dump_json(schema) == dump_json(apply_edits(schema, edits))
