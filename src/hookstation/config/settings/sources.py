"""Where a setting is from: option, else environment, else ``hookstation.toml`` in the data folder, else the default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hookstation.config.settings.checks import problem, problem_beside
from hookstation.config.settings.databases import MASK, masked
from hookstation.config.settings.specs import BY_NAME, FILE, SETTINGS, SettingSpec
from hookstation.core.values import JSON


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting's value and where it came from (``option``, ``environment``, ``file``, ``default``).

    `problem` is empty where the value can be used.
    """

    spec: SettingSpec
    text: str
    source: str
    problem: str = ""

    def shown(self) -> JSON:
        """For people: a secret is masked."""
        if self.spec.kind == "secret":
            return MASK if self.text else ""
        if self.spec.kind == "database":
            return masked(self.text)
        if self.spec.kind == "integer" and not self.problem:
            return int(self.text)
        return self.text


def effective(options: Mapping[str, str | None], environment: Mapping[str, str]) -> list[Effective]:
    """Every setting with its source; what is broken carries its problem, so that it can be shown too."""
    chosen = _choose(BY_NAME["data"], options, environment, {})
    table, broken = _read_file(Path(chosen.text) / FILE)
    found = [_choose(spec, options, environment, table) for spec in SETTINGS]
    if broken:
        found[0] = replace(found[0], problem=broken)
    return found if any(one.problem for one in found) else _beside_each_other(found)


def _beside_each_other(found: list[Effective]) -> list[Effective]:
    texts = {one.spec.name: one.text for one in found}
    return [replace(one, problem=problem_beside(one.spec.name, texts)) for one in found]


def _choose(
    spec: SettingSpec,
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    table: Mapping[str, object],
) -> Effective:
    option = options.get(spec.name)
    if option is not None:
        return _checked(spec, option, "option")
    if spec.variable in environment:
        return _checked(spec, environment[spec.variable], "environment")
    if spec.name in table:
        value = table[spec.name]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        return _checked(spec, text, "file")
    return _checked(spec, spec.default, "default")


def _checked(spec: SettingSpec, text: str, source: str) -> Effective:
    return Effective(spec, text, source, problem(spec, text))


def _read_file(path: Path) -> tuple[Mapping[str, object], str]:
    """The settings of the file, and what is wrong with it; no file is no settings."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        return {}, f"{path} cannot be read: {failure}"
    unknown = sorted(name for name in table if name not in BY_NAME or name == "data")
    if unknown:
        known = ", ".join(name for name in BY_NAME if name != "data")
        return table, f"{path}: “{unknown[0]}” is not a setting of this file; known are {known}."
    return table, ""
