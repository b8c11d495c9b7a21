"""What types of step, and a workflow itself, have to be told of in the editor: made of their own descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from hookstation.core.documents.steps import BASE, ENTRY
from hookstation.core.documents.workflow import WORKFLOW
from hookstation.core.fieldlist import Setting
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import OFFERED, SPECS, StepSpec

WORDS: Final = {"url": "URL", "sql": "SQL", "html": "HTML", "cc": "Copy to", "imis": "iMIS", "zip": "Zip"}
"""Words of settings that are written otherwise where people read them."""

PICKED: Final = frozenset({"connection", "panel", "table", "workflow", "transfer"})
"""Settings that name something configured, or something of a connection."""


_ALL_ALIKE: Final[Mapping[str, str]] = MappingProxyType({})


def label_of(name: str) -> str:
    """What people call a setting: ``at_once`` → ``At once``."""
    words = [WORDS.get(word, word) for word in name.replace("_", " ").split()]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


READ: Final = {"condition": "condition", "key": "template"}
"""How those settings of a workflow are read that are not taken as they are written."""


def setting_json(setting: Setting, mode: str = "", inner: Mapping[str, str] = _ALL_ALIKE) -> dict[str, JSON]:
    """One setting; what is as usual is left out.

    `mode`: ``template``, ``row``, ``condition``, ``rule`` or none; `inner`: those of the settings inside it, by name.
    """

    def within(those: Iterable[Setting]) -> list[JSON]:
        return [setting_json(one, inner.get(one.name, mode), inner) for one in those]

    told: dict[str, JSON] = {
        "name": setting.name,
        "label": label_of(setting.name),
        "kind": setting.kind.value,
        "mode": mode,
        "required": setting.required,
        "default": setting.default,
        "help": setting.help,
        "choices": list(setting.choices),
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "fields": within(setting.fields),
        "variants": {name: within(those) for name, those in setting.variants.items()},
        "example": setting.example,
        "pick": setting.name if setting.name in PICKED else "",
    }
    return {name: value for name, value in told.items() if value not in (None, "", False, [], {})}


def mode_of(spec: StepSpec, name: str) -> str:
    """How a setting of a step is read."""
    modes = (
        ("template", spec.templates),
        ("row", spec.row_templates),
        ("condition", spec.conditions),
        ("rule", spec.rules),
    )
    return next((mode for mode, names in modes if name in names), "")


def spec_json(spec: StepSpec) -> dict[str, JSON]:
    """One type of step."""
    outputs: list[JSON] = [
        {"setting": name, "value": value, "output": output} for (name, value), output in spec.outputs.items()
    ]
    return {
        "type": spec.type,
        "title": spec.title,
        "help": spec.help,
        "group": spec.group.value,
        "reach": spec.reach.value,
        "settings": [setting_json(one, mode_of(spec, one.name)) for one in spec.settings],
        "needsOne": [list(group) for group in spec.needs_one],
        "output": spec.output,
        "holds": spec.holds,
        "sample": spec.sample,
        "outputs": outputs,
        "blocks": [*spec.blocks],
        "namedBlocks": spec.named_blocks,
        "connections": [*sorted(spec.connections)],
    }


@cache
def described() -> dict[str, JSON]:
    """Everything that is the same for all workflows."""
    modes = {"when": "condition", "on_failure": "rule", "when_disabled": "rule"}
    shown = [one for one in WORKFLOW if one.name not in ("steps", "samples")]
    return {
        "types": [spec_json(SPECS[name]) for name in OFFERED],
        "base": [
            setting_json(one, modes.get(one.name, "")) for one in BASE if one.name not in ("type", "with")
        ],
        "entries": {
            name: [setting_json(one) for one in those if one.name != "steps"] for name, those in ENTRY.items()
        },
        "workflow": [setting_json(one, inner=READ) for one in shown],
    }
