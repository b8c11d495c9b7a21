"""The root of the command line."""

from __future__ import annotations

import click

from hookstation.cli import (
    configuration,
    connections,
    copying,
    drafting,
    journal,
    nodes,
    station,
    users,
    webhooks,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hookstation")
def cli() -> None:
    """Webhooks in, records written, exactly once, and the truth in the answer.

    Start with `hookstation demo`, or `hookstation apply FILE` and `hookstation serve`. Commands go through the running
    station, or open the database where none runs. Data goes to stdout, messages to stderr; exit 0 done, 1 failed,
    2 wrong use. `hookstation COMMAND --help` says more.
    """


for command in (
    *station.COMMANDS,
    *configuration.COMMANDS,
    *webhooks.COMMANDS,
    *connections.COMMANDS,
    *drafting.COMMANDS,
    *journal.COMMANDS,
    *nodes.COMMANDS,
    *users.COMMANDS,
    *copying.COMMANDS,
):
    cli.add_command(command)
