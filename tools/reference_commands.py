"""The reference page of the commands, written from what ``hookstation COMMAND --help`` says."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import click

COMMANDS = "hookstation.cli.commands:cli"
INTRODUCTION = """\
# Commands

Data goes to stdout, progress and messages go to stderr. `--json` gives one JSON document. The exit code is 0
when it is done, 1 when it failed, 2 when it was used wrongly. `hookstation COMMAND --help` shows the same on
the terminal.
"""


Leaf = tuple[str, click.Command, click.Context]


def load(place: str) -> click.Command:
    """The command at ``module:attribute``."""
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, click.Command):
        raise TypeError(f"{place} is no click command, but {type(found).__name__}")
    return found


def leaves(command: click.Command, context: click.Context) -> Iterator[Leaf]:
    """Every command of a group that does something itself, with its whole name and its context."""
    if not isinstance(command, click.Group):
        yield context.command_path, command, context
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None and not below.hidden:
            yield from leaves(below, click.Context(below, info_name=name, parent=context))


def cell(text: str) -> str:
    """Text that fits a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ").strip()


def options(command: click.Command, context: click.Context) -> Iterator[str]:
    """A table's line for each option but ``--help``."""
    for parameter in command.get_params(context):
        shown = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if shown is not None and "--help" not in parameter.opts:
            yield f"| `{cell(shown[0])}` | {cell(shown[1])} |\n"


def section(path: str, command: click.Command, context: click.Context) -> str:
    """A command's heading, usage, help and options."""
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    text = inspect.cleandoc(command.help or command.short_help or "").partition("\f")[0].replace("\b\n", "")
    lines = list(options(command, context))
    table = f"\n| option | |\n|---|---|\n{''.join(lines)}" if lines else ""
    return f"\n## `{path}`\n\n```text\n{usage}\n```\n\n{text.strip()}\n{table}"


def page_of(command: click.Command, name: str = "hookstation") -> str:
    """The page for a command or group, in Markdown."""
    found = leaves(command, click.Context(command, info_name=name))
    return INTRODUCTION + "".join(section(path, leaf, context) for path, leaf, context in found)


def page() -> str:
    """The page of Hookstation's own commands."""
    return page_of(load(COMMANDS))
