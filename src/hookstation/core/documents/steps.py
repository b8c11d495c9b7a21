"""The steps of a workflow as a part of its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hookstation.core.condition import LONGEST as LONGEST_CONDITION
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.documents.step_settings import check_settings, kept_settings, written_settings
from hookstation.core.documents.work import PAUSES, check_retry, retry_of, retry_values, written_seconds
from hookstation.core.fieldlist import Kind, Setting, Values, decode, encode
from hookstation.core.fieldlist.kinds import listed, shown
from hookstation.core.naming import slug
from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON, Number, kind_of
from hookstation.core.workflows.catalog import OFFERED, SPECS, StepSpec
from hookstation.core.workflows.definitions import NO_RETRY, Rule, Step, Steps, WhenUnknown
from hookstation.core.workflows.places import CASES, blocks_of, case_values
from hookstation.core.workflows.rules import read_rule, write_rule
from hookstation.errors import Invalid, Problem

NAME: Final = "[a-z][a-z0-9_-]{0,63}"
NAME_WORDS: Final = "lower-case letters, digits, “_” and “-”, up to 64, beginning with a letter"
MOST_DEEP: Final = 16
"""Blocks inside one another."""
LONGEST_STEP: Final = 366 * 86_400

BASE: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern=NAME,
        pattern_words=NAME_WORDS,
        help="What others call it; unique in the whole workflow.",
        example="check",
    ),
    Setting("type", Kind.TEXT, required=True, maximum=64, help="What it does.", example="validate"),
    Setting("title", Kind.TEXT, maximum=200, help="What people call it."),
    Setting("note", Kind.TEXT, maximum=10_000, help="What people should know about it."),
    Setting("enabled", Kind.BOOLEAN, default=True, help="Whether it is done."),
    Setting(
        "when",
        Kind.TEXT,
        maximum=LONGEST_CONDITION,
        help="A condition; where it does not hold the step is skipped.",
        example='trigger.grade == "pass"',
    ),
    Setting(
        "output",
        Kind.NAME,
        pattern=r"[A-Za-z_][A-Za-z0-9_-]{0,63}",
        pattern_words="letters, digits, “_” and “-”, up to 64, beginning with a letter or “_”",
        help="Under which name its result stands in `steps.<name>`; left out: the usual one of its type.",
    ),
    Setting(
        "on_failure",
        Kind.JSON,
        default="fail",
        help="What follows when it failed for good: `fail` or `succeed` ends the run so, `continue` goes on, and "
        "`go_to: STEP` goes on at a later step of the same block.",
        example={"go_to": "tell-somebody"},
    ),
    Setting(
        "when_disabled",
        Kind.JSON,
        default="continue",
        help="What follows where it is not enabled, in the words of `on_failure`.",
    ),
    Setting(
        "when_unknown",
        Kind.CHOICE,
        default="ask",
        choices=tuple(WhenUnknown),
        help="What becomes of it where nobody can know whether it had its effect: `ask` waits for a person, `repeat` "
        "does it again, `fail` takes it as failed.",
    ),
    Setting(
        "retry",
        Kind.GROUP,
        help="How often it is tried; left out: once.",
        fields=(
            Setting(
                "attempts",
                Kind.INTEGER,
                required=True,
                minimum=1,
                maximum=100,
                help="At most so many tries.",
                example=3,
            ),
            *PAUSES,
        ),
    ),
    Setting(
        "time",
        Kind.DURATION,
        minimum=1,
        maximum=LONGEST_STEP,
        help="How long one try may take; left out: the usual limit of its type.",
    ),
    Setting("with", Kind.MAPPING, help="The settings of its type."),
)
NO_SECRETS: Final = PersonSecrets()
BLOCK: Final = Setting("steps", Kind.JSON, help="The steps, one after the other.")
ENTRY: Final[Mapping[str, tuple[Setting, ...]]] = {
    CASES: (
        Setting("value", Kind.JSON, help="The value that leads here."),
        Setting(
            "name", Kind.NAME, pattern=NAME, pattern_words=NAME_WORDS, help="Left out: made of the value."
        ),
        BLOCK,
    ),
    "branches": (
        Setting("name", Kind.NAME, required=True, pattern=NAME, pattern_words=NAME_WORDS, help="Its name."),
        BLOCK,
    ),
}
"""The settings of one entry in a list of blocks."""

UNREAD: Final = Step("", "")
"""A step that could not be read."""


def block_settings(spec: StepSpec) -> tuple[Setting, ...]:
    """The settings of a step's document that hold other steps."""
    fixed = tuple(Setting(name, Kind.JSON, help=f"The steps of “{name}”.") for name in spec.blocks)
    named = (
        Setting(spec.named_blocks, Kind.JSON, help=f"Its {spec.named_blocks}.")
        if spec.named_blocks
        else None,
    )
    return (*(one for one in named if one), *fixed)


def decode_steps(document: JSON, depth: int = 1) -> tuple[Steps, list[Problem]]:
    """The steps of a list, and everything that is wrong inside each; what holds between them is not checked here.

    One that cannot be read stands as a step of a type that is not known, so that the others keep their places.
    """
    if depth > MOST_DEEP:
        return (), [Problem((), f"blocks may stand {MOST_DEEP} deep inside one another, no deeper.")]
    if not isinstance(document, list):
        return (), [
            Problem(
                (), f"must be a list of steps, but is {kind_of(document)}; begin each with “- name: ...”."
            )
        ]
    steps: list[Step] = []
    problems: list[Problem] = []
    for index, one in enumerate(document):
        step, wrong = _decode_step(one, depth)
        problems += [problem.under(index) for problem in wrong]
        steps.append(step)
    return tuple(steps), problems


def _decode_step(document: JSON, depth: int) -> tuple[Step, list[Problem]]:
    if not isinstance(document, dict):
        return UNREAD, [Problem((), f"must be an object with name and type, but is {kind_of(document)}.")]
    spec = SPECS.get(str(document.get("type")))
    known = BASE if spec is None else (*BASE, *block_settings(spec))
    values, problems = decode(known, document, NO_SECRETS)
    if spec is None or not spec.offered:
        return replace(UNREAD, name=values.text("name")), problems + _type_problems(document.get("type"))
    settings = document.get("with")
    given = settings if isinstance(settings, dict) else {}
    problems += [problem.under("with") for problem in check_settings(spec, given)]
    blocks, cases, wrong = _decode_blocks(spec, document, depth)
    problems += wrong
    rules = {name: _rule(values, name, problems) for name in ("on_failure", "when_disabled")}
    problems += [problem.under("retry") for problem in check_retry(values.group("retry"))]
    kept = {**kept_settings(spec, given), **_kept_cases(spec, cases)}
    if spec.holds_steps and "retry" in values:
        told = "is for steps that do something; a block is not tried again as a whole, the steps in it are."
        problems.append(Problem(("retry",), told))
    if any(name not in values for name in ("name", "when_unknown", "enabled")):
        return replace(UNREAD, name=values.text("name"), blocks=blocks), problems
    return _step(values, spec, kept, blocks, rules), problems


def _kept_cases(spec: StepSpec, cases: Mapping[str, JSON]) -> dict[str, JSON]:
    listed_cases: list[JSON] = [{"name": name, "value": value} for name, value in cases.items()]
    return {CASES: listed_cases} if spec.named_blocks == CASES and cases else {}


def _type_problems(written: JSON) -> list[Problem]:
    if not isinstance(written, str):
        return []
    hint = did_you_mean(written, OFFERED)
    return [Problem(("type",), f"{shown(written)} is not a type of step; there are {listed(OFFERED)}.{hint}")]


def _rule(values: Values, name: str, problems: list[Problem]) -> Rule:
    try:
        return read_rule(values.json(name))
    except Invalid as refusal:
        problems += [problem.under(name) for problem in refusal.problems]
        return Rule()


def _step(
    values: Values,
    spec: StepSpec,
    settings: Mapping[str, JSON],
    blocks: Mapping[str, Steps],
    rules: Mapping[str, Rule],
) -> Step:
    retry = values.group("retry")
    whole = all(setting.name in retry for setting in (Setting("attempts"), *PAUSES))
    return Step(
        name=values.text("name"),
        type=spec.type,
        title=values.text("title"),
        note=values.text("note"),
        enabled=values.flag("enabled"),
        settings=settings,
        when=values.text("when").strip(),
        output=values.text("output"),
        on_failure=rules["on_failure"],
        when_disabled=rules["when_disabled"],
        when_unknown=WhenUnknown(values.text("when_unknown")),
        retry=retry_of(retry) if whole and not list(check_retry(retry)) else NO_RETRY,
        time=values.seconds("time") if "time" in values else 0.0,
        blocks=blocks,
    )


def _decode_blocks(
    spec: StepSpec, document: Mapping[str, JSON], depth: int
) -> tuple[dict[str, Steps], dict[str, JSON], list[Problem]]:
    blocks: dict[str, Steps] = {}
    cases: dict[str, JSON] = {}
    problems: list[Problem] = []
    if spec.named_blocks and document.get(spec.named_blocks) is not None:
        problems += _decode_entries(spec, document[spec.named_blocks], depth, blocks, cases)
    for name in spec.blocks:
        if document.get(name) is not None:
            steps, wrong = decode_steps(document[name], depth + 1)
            problems += [problem.under(name) for problem in wrong]
            blocks |= {name: steps} if steps else {}
    if not problems:
        problems += _emptiness(spec, blocks)
    return blocks, cases, problems


def _emptiness(spec: StepSpec, blocks: Mapping[str, Steps]) -> list[Problem]:
    """A step that is there for the steps that it holds, and holds none."""
    if not spec.holds_steps or any(blocks.values()):
        return []
    names = [one.name for one in block_settings(spec)]
    return [Problem((), f"holds no steps; write some under {' or '.join(f'“{name}”' for name in names)}.")]


def _decode_entries(
    spec: StepSpec, document: JSON, depth: int, blocks: dict[str, Steps], cases: dict[str, JSON]
) -> list[Problem]:
    kind = spec.named_blocks
    if not isinstance(document, list):
        return [Problem((kind,), f"must be a list, but is {kind_of(document)}.")]
    problems: list[Problem] = []
    for index, one in enumerate(document):
        values, wrong = decode(ENTRY[kind], one, NO_SECRETS)
        case = one.get("value") if isinstance(one, dict) else None
        name = values.text("name") or case_name(case, blocks)
        if name in blocks or name in spec.blocks:
            wrong.append(Problem(("name",), f"“{name}” is there already; choose another name."))
        if kind == CASES and _key(case) in map(_key, cases.values()):
            wrong.append(Problem(("value",), f"{shown(case)} has a case above; remove one."))
        steps, inner = decode_steps(values.json("steps") if "steps" in values else [], depth + 1)
        wrong += [problem.under("steps") for problem in inner]
        blocks[name], cases[name] = steps, case
        problems += [problem.under(kind, index) for problem in wrong]
    return problems


def _key(value: JSON) -> str:
    return f"{kind_of(value)} {value}"


def case_name(value: JSON, taken: Mapping[str, object]) -> str:
    """The name of a case that was given none."""
    text = str(value) if isinstance(value, str | int | Number) else kind_of(value)
    base = slug(text, ())
    base = base if base[0].isalpha() else f"case-{base}"
    return slug(base, {*taken, "default"})


def encode_steps(steps: Steps, *, defaults: bool = False) -> list[JSON]:
    """The list that decodes to these steps."""
    return [_encode_step(step, defaults=defaults) for step in steps]


def _encode_step(step: Step, *, defaults: bool) -> JSON:
    spec = SPECS[step.type]
    values: dict[str, object] = {
        "name": step.name,
        "type": step.type,
        "title": step.title,
        "note": step.note,
        "enabled": step.enabled,
        "when": step.when,
        "output": step.output,
        "on_failure": write_rule(step.on_failure),
        "when_disabled": write_rule(step.when_disabled),
        "when_unknown": step.when_unknown.value,
        "retry": None if step.retry == NO_RETRY else retry_values(step.retry),
        "time": written_seconds(step.time) if step.time else None,
        "with": written_settings(spec, step.settings, defaults=defaults),
    }
    return {
        **encode(BASE, values, NO_SECRETS, defaults=defaults),
        **_encode_blocks(step, spec, defaults=defaults),
    }


def _encode_blocks(step: Step, spec: StepSpec, *, defaults: bool) -> dict[str, JSON]:
    document: dict[str, JSON] = {}
    values, entries, names = case_values(step), [], set[str]()
    for name, _, steps in blocks_of(step):
        written: JSON = encode_steps(steps, defaults=defaults)
        if name in spec.blocks:
            document[name] = written
            continue
        made = spec.named_blocks == CASES and name == case_name(values[name], dict.fromkeys(names))
        own: dict[str, JSON] = {"value": values[name]} if spec.named_blocks == CASES else {}
        entries.append({**own, **({} if made else {"name": name}), "steps": written})
        names.add(name)
    return {**({spec.named_blocks: list(entries)} if entries else {}), **document}
