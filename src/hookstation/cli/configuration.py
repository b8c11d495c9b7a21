"""Commands on the whole configuration as files: plan, apply, export."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import click

from hookstation.cli.backend import Control, Refused
from hookstation.cli.speaking import (
    ask,
    backend,
    json_option,
    one_call,
    out,
    say,
    settings_of,
    station_options,
    write,
)
from hookstation.config.export import export_document
from hookstation.config.files import ConfigBundle, read_files
from hookstation.core.values import JSON
from hookstation.errors import HookstationError, Invalid, Problem

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
LITERALS = click.option(
    "--allow-literal-secrets", is_flag=True, help="Take secrets that stand in the file itself."
)
PRUNE = click.option("--prune", is_flag=True, help="Also remove what the files do not name.")
SIGNS: Final = {"add": "+", "change": "~", "remove": "-", "keep": " "}


@click.command()
@FILES
@PRUNE
@LITERALS
@json_option
@station_options
def plan(
    files: tuple[Path, ...],
    prune: bool,
    allow_literal_secrets: bool,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Show what `apply` would change; change nothing.

    A line a thing: + new, ~ changed with the places, - removed, none the same.
    """
    with _failures_told(as_json):
        bundle = _read(files, allow_literal_secrets)
        settings = settings_of(data, database_url)
        planned = one_call(settings, "POST", "/config/plan", _request(bundle, prune))
    if as_json:
        out(cast("JSON", planned))
    else:
        _show_changes(planned)
    if _tell_problems(bundle, planned):
        sys.exit(1)
    say(f"Would change: {planned['changed']}.")


@click.command()
@FILES
@click.option("--yes", is_flag=True, help="Do not ask.")
@PRUNE
@LITERALS
@json_option
@station_options
def apply(
    files: tuple[Path, ...],
    yes: bool,
    prune: bool,
    allow_literal_secrets: bool,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Apply config files, all or nothing.

    Adds and changes, and removes with --prune. Where anything is wrong: file, line, field and reason, and nothing is
    applied. Asks first, unless --yes; without a terminal nobody can be asked, and it exits with 2.
    """
    if not yes and not sys.stdin.isatty():
        say("error: without a terminal nobody can be asked; say --yes.")
        sys.exit(2)

    async def work(control: Control) -> tuple[Mapping[str, JSON], bool]:
        body = _request(bundle, prune)
        if not yes:
            planned = cast("Mapping[str, JSON]", await control.call("POST", "/config/plan", body))
            _show_changes(planned, beside=as_json)
            if _tell_problems(bundle, planned) or not _agreed(planned):
                return _nothing(planned["problems"]), False
        try:
            return cast("Mapping[str, JSON]", await control.call("POST", "/config/apply", body)), True
        except Refused as refused:
            if not _tell_problems(bundle, refused.document):
                raise
            return _nothing(refused.document["problems"]), False

    with _failures_told(as_json):
        bundle = _read(files, allow_literal_secrets)
        applied, done = ask(settings_of(data, database_url), work)
    if as_json:
        out(cast("JSON", applied))
    if not done:
        say("Nothing was applied.")
        sys.exit(1)
    _tell_problems(bundle, applied)
    if not as_json:
        if yes:
            _show_changes(applied)
        _show_secrets(applied)
        say(f"Applied: {applied['changed']} changed.")


def _nothing(problems: JSON) -> dict[str, JSON]:
    """The document of an apply that did nothing."""
    return {"changes": [], "problems": problems, "changed": 0}


@contextmanager
def _failures_told(as_json: bool) -> Iterator[None]:
    """Who reads JSON gets a document too where nothing could be planned or applied; the messages stay on stderr."""
    try:
        yield
    except HookstationError as failure:
        if as_json:
            out(_nothing(_problems_of(failure)))
        raise


def _problems_of(failure: HookstationError) -> JSON:
    if isinstance(failure, Refused) and failure.document.get("problems"):
        return failure.document["problems"]
    found = failure.problems if isinstance(failure, Invalid) else [Problem((), failure.message)]
    return [
        {
            "pointer": one.pointer,
            "message": one.message,
            "severity": one.severity,
            "position": one.position,
        }
        for one in found
    ]


def _agreed(planned: Mapping[str, JSON]) -> bool:
    return planned["changed"] == 0 or click.confirm("Apply this?", err=True)


def _read(files: tuple[Path, ...], literals: bool) -> ConfigBundle:
    return read_files(files, backend().catalogue, os.environ, literal_secrets=literals)


def _request(bundle: ConfigBundle, prune: bool) -> JSON:
    return {"document": bundle.document, "references": dict(bundle.references), "prune": prune}


def _show_changes(planned: Mapping[str, JSON], *, beside: bool = False) -> None:
    """A line a change; on stderr where stdout is for a JSON document."""
    for one in cast("Sequence[Mapping[str, JSON]]", planned["changes"]):
        paths = ", ".join(cast("Sequence[str]", one["paths"]))
        line = f"{SIGNS[str(one['verb'])]} {one['kind']} {one['name']}{': ' + paths if paths else ''}"
        write(line, beside=beside)


def _show_secrets(applied: Mapping[str, JSON]) -> None:
    """A line for each destination that the station made a secret for; nothing shows it again."""
    for name, secret in cast("Mapping[str, JSON]", applied.get("secrets") or {}).items():
        say(f"The destination {name} signs with this secret; give it to its receiver, it is not shown again:")
        write(str(secret))


def _tell_problems(bundle: ConfigBundle, answer: Mapping[str, JSON]) -> bool:
    """Tell every problem at its place in the files; true where one is an error."""
    found = cast("Sequence[Mapping[str, JSON]]", answer.get("problems") or [])
    for one in found:
        place = bundle.locate(_problem(one))
        say(f"{one['severity']}: {place}")
    return any(one["severity"] == "error" for one in found)


def _problem(one: Mapping[str, JSON]) -> Problem:
    pointer = str(one["pointer"])
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    path = tuple(int(part) if part.isdecimal() else part for part in parts)
    position = one.get("position")
    return Problem(
        path, str(one["message"]), str(one["severity"]), position if isinstance(position, int) else None
    )


@click.command()
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder to write hookstation.yaml into; else it goes to stdout.",
)
@json_option
@station_options
def export(folder: Path | None, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Write everything configured as one config file.

    Secrets are written as the references that they came from, else as named placeholders to be set before the file is
    applied again.
    """
    document = one_call(settings_of(data, database_url), "GET", "/config/export")
    exported = export_document(cast("JSON", document), backend().catalogue)
    if folder is not None:
        _write(folder, exported.text)
    if as_json:
        out(exported.document)
    elif folder is None:
        click.echo(exported.text, nl=False)
    for placeholder in exported.placeholders:
        where = ".".join(map(str, placeholder.path))
        say(f"{where} is a secret and is not exported: set {placeholder.variable} before applying the file.")


def _write(folder: Path, text: str) -> None:
    path = folder / "hookstation.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise click.FileError(str(path), f"{failure.strerror}; name another folder with --out.") from failure
    say(f"Written: {path}")


COMMANDS: Final[tuple[click.Command, ...]] = (plan, apply, export)
