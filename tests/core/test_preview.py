"""A mapping over one payload, field by field."""

from __future__ import annotations

import pytest

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.definitions import Action
from hookstation.core.preview import Fate, preview
from hookstation.core.proof import Target
from hookstation.core.template import Scope
from hookstation.core.values import JSON

SCHEMA: JSON = {"type": "object", "properties": {"member": {"type": "string"}, "course": {"type": "string"}}}


def fates(payload: JSON, **fields: JSON) -> dict[str, tuple[Fate, object]]:
    """What becomes of each field, with its value or the reason."""
    action = Action("insert_activity", "records", fields)
    made = preview(action, Target(ACTIVITY_SPEC), SCHEMA, Scope(payload, 1, "EVENT", "hook", {}, ""))
    return {one.name: (one.fate, one.said if one.fate is Fate.FAILS else one.value) for one in made.fields}


def test_each_field_is_told_also_where_others_fail() -> None:
    found = fates({"member": "10420"}, ID="$$member$$", ActivityType="LONGER THAN TEN", Note="For $$member$$")
    assert (Fate.FITS, "10420") == found["ID"]
    assert (Fate.FITS, "For 10420") == found["Note"]
    assert Fate.FAILS is found["ActivityType"][0]
    assert "at most 10" in str(found["ActivityType"][1])


@pytest.mark.parametrize(
    ("field", "template", "fate"),
    [
        ("Description", "$$course$$", Fate.LEFT_OUT),
        ("ID", "$$course$$", Fate.FAILS),
        ("ActivityType", "Order", Fate.WARNED),
        ("Quantity", "$$member$$", Fate.FAILS),
        ("Nowhere", "x", Fate.FAILS),
        ("Note", "{{ member", Fate.FAILS),
    ],
)
def test_what_is_missing_unfit_or_unwise_is_marked(field: str, template: str, fate: Fate) -> None:
    """A missing property leaves a field out, but never one that is required."""
    assert fate is fates({"member": "Homer"}, **{field: template})[field][0]


def test_what_is_wrong_with_no_field_alone_is_told_apart() -> None:
    action = Action("insert_activity", "records", {"Note": "x"})
    made = preview(action, Target(ACTIVITY_SPEC), SCHEMA, Scope({}, 1, "EVENT", "hook", {}, ""))
    assert made.fails
    assert ["ID", "ACTIVITY_TYPE"] == [one.message.split()[0] for one in made.problems]
