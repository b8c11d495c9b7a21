"""``docs/reference/steps.md``: every type of step, from the one place where it is described."""

from __future__ import annotations

from hookstation.config.export import to_yaml
from hookstation.core.documents.steps import BASE
from hookstation.core.fieldlist import plain
from hookstation.core.workflows.catalog import OFFERED, SPECS, Group, Reach, StepSpec
from tools.reference_config import codes, table

INTRODUCTION = """<!-- Written by `python -m tools.reference steps`; edit the code, not this page. -->

# Steps of a workflow

A step has a `name` of its own, a `type`, and the settings of its type below `with`. What it puts out stands in
`steps.<name>.<output>` for all later steps; [the how-to page](../how-to/chain-steps.md) shows how they are put
together. In settings marked *template* every text is a [template](templates.md); all others are taken as they are
written.

"""
REACHES = {
    Reach.PURE: "Changes nothing anywhere.",
    Reach.HERE: "Its effect is in our own database, in the transaction that ends the step: exactly once.",
    Reach.READS: "Asks another system and changes nothing there; it may be asked again.",
    Reach.ELSEWHERE: "Has an effect in another system: where its end is not known, `when_unknown` decides.",
    Reach.CONTROL: "",
}


def page() -> str:
    """The page in Markdown."""
    common = f"## Settings of every step\n\n{table(BASE)}"
    groups = "".join(group(one) for one in Group)
    return f"{INTRODUCTION}{common}{groups}".rstrip() + "\n"


def group(name: Group) -> str:
    """One part of the menu."""
    found = [SPECS[one] for one in OFFERED if SPECS[one].group is name]
    return f"## {name.value}\n\n" + "".join(section(spec) for spec in found)


def section(spec: StepSpec) -> str:
    """One type."""
    lines = [f"### `{spec.type}`", f"{spec.help} {REACHES[spec.reach]}".strip()]
    if spec.holds_steps:
        named = f"{codes([spec.named_blocks])}, each with `name` and `steps`" if spec.named_blocks else ""
        lines.append(f"Holds steps: {' and '.join(filter(None, (codes(spec.blocks), named)))}.")
    if spec.settings:
        lines.append(table(spec.settings).rstrip())
        lines.append(f"Templates: {templates(spec)}.")
    if output := spec.output:
        sample = to_yaml(plain(spec.sample)).strip().removesuffix("...").strip()
        lines.append(f"Output `{output}`: {spec.holds}\n\n```yaml\n{sample}\n```")
    return "\n\n".join(lines) + "\n\n"


def templates(spec: StepSpec) -> str:
    """Which settings are templates or conditions."""
    parts = (
        [codes(sorted(spec.templates | spec.row_templates))] if spec.templates | spec.row_templates else []
    )
    parts += [f"{codes(sorted(spec.conditions))} is a [condition](conditions.md)"] if spec.conditions else []
    return "; ".join(parts) or "none"
