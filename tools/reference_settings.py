"""The reference page of the settings, written from ``hookstation.config.settings``."""

from __future__ import annotations

from hookstation.config.settings import FILE, PREFIX, SETTINGS, SettingSpec

INTRODUCTION = f"""\
# Settings

Each setting is taken from the first place that has it:

1. the command's option, for instance `--port 9000`
2. the environment, `{PREFIX}` and the name: `{PREFIX}PORT=9000`
3. `{FILE}` in the data folder: `port = 9000`
4. the default

`hookstation settings` prints the ones in force with secrets masked, and also works when they are broken. On the
command line, and in the environment, the parts of a list are separated by commas.

| environment | `{FILE}` | kind | default | meaning |
|---|---|---|---|---|
"""


def row(spec: SettingSpec) -> str:
    """A line of the table; the data folder itself cannot be told by a file that lies in it."""
    key = "" if spec.name == "data" else f"`{spec.name}`"
    default = f"`{spec.default}`" if spec.default else ""
    return f"| `{spec.variable}` | {key} | {spec.kind} | {default} | {spec.help} |\n"


def page() -> str:
    """The page in Markdown."""
    return INTRODUCTION + "".join(row(spec) for spec in SETTINGS)
