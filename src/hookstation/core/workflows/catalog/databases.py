"""Steps that read and write the tables of SQL connections."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.workflows.catalog.common import COMPARISONS, ROWS_SAMPLE, connection, rows
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

SQL: Final = frozenset({"sql"})
_CONNECTION: Final = connection("The SQL connection.", "crm-database")
_TABLE: Final = Setting("table", Kind.TEXT, required=True, maximum=300, help="The table.", example="members")
_MATCH: Final = Setting(
    "match",
    Kind.LIST,
    required=True,
    minimum=1,
    maximum=20,
    help="Columns by whose values a row is found.",
    example=["ID"],
)
_ROWS: Final = rows("The rows that are written: a list of objects.", required=False)
_FIELDS: Final = Setting(
    "fields",
    Kind.MAPPING,
    minimum=1,
    maximum=1_000,
    help="One row, instead of `rows`: columns and their templates.",
    example={"ID": "$$trigger.memberId$$", "Status": "active"},
)

SOURCE: Final = (
    Setting("table", Kind.TEXT, maximum=300, help="The table or view.", example="members"),
    Setting(
        "statement",
        Kind.TEXT,
        maximum=20_000,
        help="A statement of your own that only reads, instead of a table; values come in as `:name`.",
        example="select ID, Email from members where JoinedAt > :since",
    ),
    Setting("columns", Kind.LIST, maximum=1_000, help="With `table`: the columns; left out: all."),
    Setting(
        "where",
        Kind.MAPPING,
        maximum=100,
        help="With `table`: columns and what they must equal, or an object of comparisons "
        f"({', '.join(f'`{one}`' for one in COMPARISONS)}) and values; null is NULL. All must hold.",
        example={"Status": "active", "Age": {">=": 18}},
    ),
    Setting("parameters", Kind.MAPPING, maximum=100, help="With `statement`: the values of its names."),
    Setting(
        "order",
        Kind.LIST,
        maximum=20,
        help="With `table`: columns, `-` before one for descending.",
        example=["-JoinedAt"],
    ),
)
"""The settings that say which rows of a SQL connection are read."""


def _write(verb: str, title: str, help_text: str, settings: tuple[Setting, ...]) -> StepSpec:
    return StepSpec(
        f"sql_{verb}",
        title,
        help_text,
        Group.DATABASES,
        Reach.ELSEWHERE,
        settings=(_CONNECTION, _TABLE, *settings, _ROWS, _FIELDS),
        templates=frozenset({"rows", "fields"}),
        needs_one=(("rows", "fields"),),
        output="count",
        holds="How many rows were written.",
        sample=1,
        connections=SQL,
    )


DATABASES: Final = (
    StepSpec(
        "sql_select",
        "Read rows",
        "Reads rows of a table, or by a statement of your own.",
        Group.DATABASES,
        Reach.READS,
        settings=(
            _CONNECTION,
            *SOURCE,
            Setting(
                "limit",
                Kind.INTEGER,
                default=10_000,
                minimum=1,
                maximum=100_000,
                help="At most so many rows; a transfer takes any number.",
            ),
        ),
        templates=frozenset({"where", "parameters"}),
        needs_one=(("table", "statement"),),
        output="rows",
        holds="The rows.",
        sample=ROWS_SAMPLE,
        connections=SQL,
    ),
    _write("insert", "Insert rows", "Adds rows to a table, all or none.", ()),
    _write(
        "upsert",
        "Update or insert rows",
        "Changes the rows that are there and adds the others, all or none.",
        (_MATCH,),
    ),
    _write("update", "Update rows", "Changes rows that are there, all or none.", (_MATCH,)),
)
