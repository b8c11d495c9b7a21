"""The command that drafts a schema from samples; it needs no station."""

from __future__ import annotations

from typing import IO, Final

import click

from hookstation.cli.speaking import json_option, options_of_a_station, out, say, write
from hookstation.core.draft import Draft, draft_schema
from hookstation.core.jsontext import parse_json
from hookstation.core.pretty import indented
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused


@click.command()
@click.argument("samples", nargs=-1, required=True, type=click.File("rb"), metavar="SAMPLE...")
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="KEY=CHOICE",
    help="An answer to a question; repeat for more.",
)
@json_option
@options_of_a_station("none: samples are all it needs")
def draft(
    samples: tuple[IO[bytes], ...],
    answers: tuple[str, ...],
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Draft a JSON Schema from sample payloads.

    The schema goes to stdout; what the samples leave open is asked on stderr, with what was assumed. Each SAMPLE is a
    file with one JSON document; - is stdin. `--data` and `--database-url` are not used.
    """
    del data, database_url
    payloads = [_read(sample) for sample in samples]
    made = draft_schema(payloads, _answers(answers))
    if as_json:
        out(made.as_json())
        return
    click.echo(indented(made.schema))
    _ask(made)


def _read(sample: IO[bytes]) -> JSON:
    try:
        return parse_json(sample.read()).value
    except BodyRefused as refusal:
        raise BodyRefused(f"{sample.name}: {refusal.reason}") from None


def _answers(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        key, equals, choice = one.rpartition("=")
        if not equals:
            raise click.BadParameter(f"“{one}” is not an answer; write KEY=CHOICE.", param_hint="--answer")
        found[key] = choice
    return found


def _ask(made: Draft) -> None:
    for question in made.questions:
        say(f"{question.said}  [{question.key}]")
        for choice in question.choices:
            assumed = " (assumed)" if choice.name == question.assumed else ""
            refused = " (refuses a sample)" if choice.contradicts else ""
            write(f"  {choice.name}: {choice.label}{assumed}{refused}", beside=True)


COMMANDS: Final[tuple[click.Command, ...]] = (draft,)
