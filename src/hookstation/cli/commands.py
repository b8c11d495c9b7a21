"""The root of the command line."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

ROOMS: Final = {
    "station": ("serve", "demo", "sandbox", "settings", "doctor", "migrate", "backup", "restore"),
    "configuration": ("plan", "apply", "export"),
    "webhooks": ("webhooks", "test"),
    "connections": ("connections",),
    "drafting": ("draft",),
    "journal": ("events", "records"),
    "runs": ("runs",),
    "workflows": ("workflows",),
    "schedules": ("schedules",),
    "polls": ("polls",),
    "transfers": ("transfers",),
    "approvals": ("approvals",),
    "destinations": ("destinations", "subscriptions"),
    "deliveries": ("deliveries",),
    "listening": ("listen",),
    "keys": ("keys",),
    "nodes": ("nodes",),
    "users": ("users",),
    "copying": ("copy",),
}
"""The module of this package in which a command stands, by its name there in ``COMMANDS``."""


class Commands(click.Group):
    """Loads the module of a command when it is asked for: most of them need little of what the others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """The names of all commands, in the order of the alphabet."""
        return sorted(name for names in ROOMS.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as click calls it
        """The command of this name; ``None`` where there is none."""
        for room, names in ROOMS.items():
            if cmd_name in names:
                found: tuple[click.Command, ...] = import_module(f"hookstation.cli.{room}").COMMANDS
                return found[names.index(cmd_name)]
        return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hookstation")
def cli() -> None:
    """Webhooks in, records written, exactly once, and the truth in the answer.

    Start with `hookstation demo`, or `hookstation apply FILE` and `hookstation serve`. Commands go through the running
    station, or open the database where none runs. Data goes to stdout, messages to stderr; exit 0 done, 1 failed,
    2 wrong use. `hookstation COMMAND --help` says more.
    """
