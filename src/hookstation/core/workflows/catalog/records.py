"""Steps that write and find activities and panel records, in iMIS and in the records database."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog.common import RECORD_KEEPERS, connection, limit
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

_CONNECTION: Final = connection(
    "Whose records: the name of a connection, or `records` for the built-in records database.", "imis"
)
_PANEL: Final = Setting("panel", Kind.NAME, required=True, help="The panel.", example="ABC_Courses")
_FIELDS: Final = Setting(
    "fields",
    Kind.MAPPING,
    required=True,
    minimum=1,
    maximum=500,
    help="Fields of the target and the templates of their values; a value that is not text is a typed literal.",
    example={"ID": "$$trigger.memberId$$", "ActivityType": "COURSE"},
)
_MATCH: Final = Setting(
    "match",
    Kind.MAPPING,
    required=True,
    minimum=1,
    maximum=20,
    help="Which record is meant: fields and the templates of their values.",
    example={"ID": "$$trigger.memberId$$"},
)
_RECORD: Final[JSON] = {"connection": "imis", "entity": "Activity", "key": "1042", "inserted": True}
_FOUND: Final[JSON] = [{"ID": "23", "ActivityType": "COURSE", "TransactionDate": "2026-11-22T09:30:00"}]
_WRITES: Final = {
    "insert": ("Insert", "Adds", (_FIELDS,)),
    "update": ("Update", "Changes", (_MATCH, _FIELDS)),
    "upsert": ("Update or insert", "Changes, or adds where it is not there,", (_MATCH, _FIELDS)),
    "delete": ("Delete", "Takes away", (_MATCH,)),
}
_THINGS: Final = {"activity": "an activity on a person's record", "panel": "a record of a panel"}


def _write(verb: str, thing: str, words: str, place: tuple[Setting, ...]) -> StepSpec:
    title, does, settings = _WRITES[verb]
    return StepSpec(
        f"{verb}_{thing}",
        f"{title} {words}",
        f"{does} {_THINGS[thing]}.",
        Group.RECORDS,
        Reach.ELSEWHERE,
        settings=(_CONNECTION, *place, *settings),
        templates=frozenset(one.name for one in settings),
        output="record",
        holds="The record, and whether it was added.",
        sample=_RECORD,
        connections=RECORD_KEEPERS,
    )


def _find(thing: str, words: str, place: tuple[Setting, ...]) -> StepSpec:
    return StepSpec(
        f"find_{thing}",
        f"Find {words}",
        f"Finds {words} by the values of their fields, the oldest first.",
        Group.RECORDS,
        Reach.READS,
        settings=(_CONNECTION, *place, _MATCH, limit(100, 10_000, "records")),
        templates=frozenset({"match"}),
        output="records",
        holds="The records, each with its fields; an empty list where there is none.",
        sample=_FOUND,
        connections=RECORD_KEEPERS,
    )


RECORD_STEPS: Final = (
    *(_write(verb, "activity", "activity", ()) for verb in _WRITES),
    _find("activities", "activities", ()),
    *(_write(verb, "panel", "panel record", (_PANEL,)) for verb in _WRITES),
    _find("panels", "panel records", (_PANEL,)),
)
