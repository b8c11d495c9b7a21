"""What is done with an event, as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.definitions import Action
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.template import rewrite
from hookstation.core.values import JSON, kind_of
from hookstation.errors import Problem

LONGEST_NAME: Final = 128
LONGEST_TEMPLATE: Final = 65_536
"""As many characters as a field's output may have bytes."""

_CONNECTION: Final = Setting(
    "connection",
    Kind.NAME,
    required=True,
    help="The target: the name of a connection, or `records` for the built-in records database.",
    example="imis",
)
_PANEL: Final = Setting(
    "panel", Kind.NAME, required=True, help="The panel that is written.", example="ABC_Courses"
)
_MATCH: Final = Setting(
    "match",
    Kind.MAPPING,
    required=True,
    minimum=1,
    maximum=20,
    help="Which row is meant: fields and the templates of their values.",
    example={"ID": "$$memberId$$"},
)
_FIELDS: Final = Setting(
    "fields",
    Kind.MAPPING,
    required=True,
    minimum=1,
    maximum=500,
    help="The mapping: fields of the target and the templates of their values; a value that is not text is a "
    "typed literal.",
    example={"ID": "$$memberId$$", "ActivityType": "COURSE"},
)
VARIANTS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "insert_activity": (_CONNECTION, _FIELDS),
    "insert_panel": (_CONNECTION, _PANEL, _FIELDS),
    "update_panel": (_CONNECTION, _PANEL, _MATCH, _FIELDS),
    "upsert_panel": (_CONNECTION, _PANEL, _MATCH, _FIELDS),
}
ACTION: Final = Setting(
    "action",
    Kind.ONE_OF,
    variants=VARIANTS,
    help="What is done with an event; or write `workflow`.",
    example={"type": "insert_activity", "connection": "imis", "fields": {"ID": "$$memberId$$"}},
)


def check_action(values: Values) -> list[Problem]:
    """Names and values of the mapping that no target could take."""
    return [
        problem.under(part)
        for part in ("fields", "match")
        for name, template in values.mapping(part).items()
        for problem in _check_template(name, template)
    ]


def _check_template(name: str, template: JSON) -> list[Problem]:
    if not name.strip() or len(name) > LONGEST_NAME:
        return [Problem((name,), f"a field name has 1 to {LONGEST_NAME} characters.")]
    if isinstance(template, list | dict):
        message = (
            f"must be a template (text) or a literal number, boolean or null, but is {kind_of(template)}."
        )
        return [Problem((name,), message)]
    length = len(rewrite(template)) if isinstance(template, str) else 0
    if length > LONGEST_TEMPLATE:
        message = f"is {length:,} characters long; a template has at most {LONGEST_TEMPLATE:,}."
        return [Problem((name,), message)]
    return []


def action_of(values: Values) -> Action:
    """The action that was decoded without problems, its templates in the form in which they are saved."""
    return Action(
        type=values.text("type"),
        connection=values.text("connection"),
        fields=_rewritten(values.mapping("fields")),
        panel=values.text("panel"),
        match=_rewritten(values.mapping("match")),
    )


def _rewritten(templates: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: rewrite(one) if isinstance(one, str) else one for name, one in templates.items()}


def action_values(action: Action) -> dict[str, object]:
    """The settings of an action, with its type."""
    return {
        "type": action.type,
        "connection": action.connection,
        "panel": action.panel or None,
        "match": action.match or None,
        "fields": action.fields,
    }
