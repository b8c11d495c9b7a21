"""Steps that check, keep and reshape data."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.workflows.catalog.common import (
    FORMAT_OPTIONS,
    ROWS_SAMPLE,
    TEXT_FORMATS,
    TRIGGER,
    rows,
)
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

COLUMNS: Final = Setting(
    "columns",
    Kind.GROUPS,
    minimum=1,
    maximum=1_000,
    help="The columns that come out, in this order; left out: all as they are. Each has a `name`, and `from` (a column "
    "that comes in) or `value` (a template over the row); with neither it is the column of its own name.",
    fields=(
        Setting("name", Kind.TEXT, required=True, maximum=128, help="The column that comes out."),
        Setting("from", Kind.TEXT, maximum=128, help="The column that comes in."),
        Setting("value", Kind.JSON, help="A template over the row, or a constant."),
    ),
    example=[{"name": "member", "from": "ID"}, {"name": "label", "value": "$$FullName$$ ($$ID$$)"}],
)

DATA: Final = (
    StepSpec(
        "validate",
        "Check against a schema",
        "Holds data against a JSON Schema, and fails with the list of what does not fit.",
        Group.DATA,
        Reach.PURE,
        settings=(
            Setting(
                "schema",
                Kind.JSON,
                help="The JSON Schema, taken as it is written.",
                example={"type": "object", "required": ["memberId"]},
            ),
            Setting(
                "schema_from",
                Kind.TEXT,
                maximum=1_000,
                help="Where the schema stands that is not known before the run, instead of `schema`: a value of an "
                "earlier step, or its JSON text.",
                example="$$steps.get.answer.body$$",
            ),
            Setting("data", Kind.JSON, default=TRIGGER, help="What is checked."),
        ),
        templates=frozenset({"data", "schema_from"}),
        needs_one=(("schema", "schema_from"),),
        output="errors",
        holds="What does not fit; an empty list where all fits.",
        sample=[],
    ),
    StepSpec(
        "set",
        "Set variables",
        "Keeps values under names of your own: `vars.NAME`, for all that comes after.",
        Group.DATA,
        Reach.PURE,
        settings=(
            Setting(
                "values",
                Kind.MAPPING,
                required=True,
                minimum=1,
                maximum=100,
                help="Names and their values.",
                example={"fullName": "$$trigger.first$$ $$trigger.last$$"},
            ),
        ),
        templates=frozenset({"values"}),
    ),
    StepSpec(
        "select",
        "Select columns",
        "Chooses, renames and makes columns of rows.",
        Group.DATA,
        Reach.PURE,
        settings=(
            rows(),
            COLUMNS,
            Setting(
                "constants", Kind.MAPPING, maximum=1_000, help="Columns with the same value in every row."
            ),
        ),
        templates=frozenset({"rows", "constants"}),
        row_templates=frozenset({"columns"}),
        output="rows",
        holds="The rows.",
        sample=[{"member": "1042", "label": "Ann Example (1042)"}],
    ),
    StepSpec(
        "delta",
        "Only what changed",
        "Lets through only rows that are new or other than when this step last saw them in a run that succeeded.",
        Group.DATA,
        Reach.HERE,
        settings=(
            rows(),
            Setting(
                "key",
                Kind.LIST,
                required=True,
                minimum=1,
                maximum=20,
                help="The columns by which a row is known again.",
                example=["ID"],
            ),
            Setting(
                "columns", Kind.LIST, maximum=1_000, help="The columns that count; left out: all of them."
            ),
        ),
        templates=frozenset({"rows"}),
        output="rows",
        holds="The rows that are new or changed.",
        sample=ROWS_SAMPLE,
    ),
    StepSpec(
        "convert",
        "Convert",
        "Makes text of rows, or rows of text: CSV, TSV, pipe, XML, NDJSON, JSON.",
        Group.DATA,
        Reach.PURE,
        settings=(
            Setting("data", Kind.JSON, help="Rows, or any value, to be written as text."),
            Setting(
                "text", Kind.TEXT, maximum=65_536, help="Text to be read.", example="$$steps.get.content$$"
            ),
            Setting(
                "from",
                Kind.CHOICE,
                default="json",
                choices=TEXT_FORMATS,
                help="What `text` is.",
            ),
            Setting(
                "to",
                Kind.CHOICE,
                default="json",
                choices=TEXT_FORMATS,
                help="What comes out: `json` puts out rows, as values; all others put out text.",
            ),
            Setting("options", Kind.GROUP, fields=FORMAT_OPTIONS, help="Details of the format."),
        ),
        templates=frozenset({"data", "text"}),
        needs_one=(("data", "text"),),
        output="text",
        holds="The text, or the rows.",
        sample="ID,FullName\r\n1042,Ann Example\r\n",
        outputs={("to", "json"): "rows"},
    ),
)
