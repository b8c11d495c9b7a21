"""What is said once about a type of step: decoding, the editor, the runner and the docs all read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hookstation.core.fieldlist import Setting, Values, decode
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON, Secret
from hookstation.errors import Invalid, SecretError

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1): a call with one of them may be repeated."""


class Reach(StrEnum):
    """How far a step's effect goes, and so what is committed around it.

    `PURE`: values only.  `HERE`: our own database, in the transaction that ends the step.  `READS`: it asks outside and
    changes nothing there.  `ELSEWHERE`: an effect outside; the intent is committed before it.  `CONTROL`: no effect,
    it says what comes next.
    """

    PURE = "pure"
    HERE = "here"
    READS = "reads"
    ELSEWHERE = "elsewhere"
    CONTROL = "control"


class Group(StrEnum):
    """Where the editor's menu has a type."""

    RECORDS = "Records"
    DATA = "Data"
    FLOW = "Flow"
    WAITING = "Waiting"
    DATABASES = "Databases"
    IMIS = "iMIS"
    CALLS = "Calls"
    FILES = "Files"
    MESSAGES = "Messages"


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One type of step.

    `templates`: settings of which every text, at any depth, is a template.  `row_templates`: lists of columns, whose
    ``value`` is a template that is evaluated for each row: its columns stand at the root, ``item`` is the whole row and
    ``index`` its number.
    `conditions`: settings in the condition language.  `rules`: settings that say what follows, as `Rule`.  All others
    are static.  `needs_one`: of each of these groups of settings exactly one is given.
    `output`: the name under which the result usually stands in ``steps.<name>``, empty where there is none; `holds`
    says what it is, `sample` shows one.  `outputs`: setting and the text of its value → name of the result, where that
    depends on it.  `blocks`: the blocks of steps that it has; `named_blocks`: the setting that lists blocks with names
    of their own (``cases``, ``branches``), empty without.  `connections`: types of the connections it works with.
    `offered`: whether people may write it.  `goes_on`: each try begins where the one before it came to.
    """

    type: str
    title: str
    help: str
    group: Group
    reach: Reach
    settings: tuple[Setting, ...] = ()
    templates: frozenset[str] = frozenset()
    row_templates: frozenset[str] = frozenset()
    conditions: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    needs_one: tuple[tuple[str, ...], ...] = ()
    output: str = ""
    holds: str = ""
    sample: JSON = None
    outputs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()
    named_blocks: str = ""
    connections: frozenset[str] = frozenset()
    offered: bool = True
    goes_on: bool = False

    @property
    def holds_steps(self) -> bool:
        """Whether it has blocks of other steps."""
        return bool(self.blocks or self.named_blocks)

    def setting(self, name: str) -> Setting | None:
        """One of its settings."""
        return next((one for one in self.settings if one.name == name), None)

    def static(self, name: str) -> bool:
        """Whether a setting is taken as it is written."""
        return name not in self.templates | self.row_templates | self.conditions | self.rules

    def read(self, settings: Mapping[str, JSON]) -> Values:
        """The settings as values, with defaults: durations in seconds, sizes in bytes; templates as they are written.

        Raises `Invalid`; settings that were decoded with their workflow do not.
        """
        values, problems = decode(self.settings, dict(settings), _NO_SECRETS)
        if problems:
            raise Invalid(problems)
        return values

    def value(self, settings: Mapping[str, JSON], name: str) -> JSON:
        """A setting as written, else its default, else ``None``."""
        setting = self.setting(name)
        given = settings.get(name)
        return given if given is not None or setting is None else setting.default

    def reach_of(self, settings: Mapping[str, JSON]) -> Reach:
        """How far a step with these settings goes: our own records are here, and a safe method only reads."""
        if self.reach is not Reach.ELSEWHERE:
            return self.reach
        if settings.get("connection") == RECORDS:
            return Reach.HERE
        return Reach.READS if self.value(settings, "method") in SAFE_METHODS else Reach.ELSEWHERE

    def output_of(self, settings: Mapping[str, JSON]) -> str:
        """The usual name of the result of a step with these settings."""
        for (name, wanted), output in self.outputs.items():
            if _text(self.value(settings, name)) == wanted:
                return output
        return self.output


class _NoSecrets:
    """A step has none: what is secret belongs to its connection."""

    def decode(self, _value: JSON, purpose: str) -> Secret:
        raise SecretError(f"{purpose} is no place for a secret.")


_NO_SECRETS: Final = _NoSecrets()


def _text(value: JSON) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
