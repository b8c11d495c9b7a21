"""Command on a whole database: copy it into another one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import Final

import click

from hookstation.cli.backend import Moved
from hookstation.cli.speaking import backend, json_option, out, say, settings_of, station_options, table
from hookstation.core.values import JSON
from hookstation.engine.copy import ANEW, Compared, Progress

BAR: Final = 24
"""Characters of the bar."""

ON_A_TERMINAL: Final = 0.1
ELSEWHERE: Final = 5.0
"""Seconds between two reports."""


@click.command()
@click.option("--from", "source", metavar="URL", help="The source (the station's own database).")
@click.option("--to", "target", metavar="URL", required=True, help="The target, an empty database.")
@json_option
@station_options
def copy(source: str | None, target: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Copy everything into another, empty database.

    From SQLite to PostgreSQL, back, or from PostgreSQL to PostgreSQL. No station may run on either. Broken off, it goes
    on with the same command; until it is finished no station starts on the target. Ends with 1 where counts or hashes
    differ. The master key stays the same. A URL with a password is better named, as ${env:NAME} or ${file:PATH}:
    options can be seen by others on the machine.
    """
    ours, theirs = settings_of(data, source or database_url), settings_of(data, target)
    try:
        with _Showing() as showing:
            moved = backend().copy(ours, theirs, showing.tell)
    except KeyboardInterrupt:
        say("Broken off: the same command goes on from here.")
        sys.exit(1)
    if as_json:
        out(_document(moved))
    elif not moved.copied.before:
        rows = [_row(name, one) for name, one in moved.copied.tables.items()]
        table(rows, ("TABLE", "ROWS", "IN THE TARGET", "SHA-256", ""))
    if differing := moved.copied.differing:
        say(f"error: {', '.join(differing)}: source and target differ, so the target is not served. {ANEW}")
        sys.exit(1)
    if moved.copied.before:
        say("This copy was finished before: nothing to do.")
    else:
        say(f"Copied: {moved.source} → {moved.target}. Counts and hashes of both sides agree.")
    say(_about_the_key(moved))


def _row(name: str, one: Compared) -> list[str]:
    verdict = "same" if one.same else "DIFFERS"
    return [name, str(one.source_rows), str(one.target_rows), one.source_sha256[:16], verdict]


def _document(moved: Moved) -> JSON:
    tables: list[JSON] = [
        {
            "name": name,
            "source_rows": one.source_rows,
            "target_rows": one.target_rows,
            "source_sha256": one.source_sha256,
            "target_sha256": one.target_sha256,
            "same": one.same,
        }
        for name, one in moved.copied.tables.items()
    ]
    return {
        "from": moved.source,
        "to": moved.target,
        "same": not moved.copied.differing,
        "finished_before": moved.copied.before,
        "master_key_fingerprint": moved.fingerprint,
        "tables": tables,
    }


def _about_the_key(moved: Moved) -> str:
    if not moved.fingerprint:
        return "Nothing was ever sealed in it: the first start on the target decides on a master key."
    where = (
        f"what stands in {moved.key_file}"
        if moved.key_file
        else "the one that the source's station was given"
    )
    return (
        f"The master key was not copied, and nothing opens without it: give every node {where} as "
        f"HOOKSTATION_MASTER_KEY (its fingerprint is {moved.fingerprint})."
    )


class _Showing:
    """How far it is, on stderr: a bar on a terminal, else a line from time to time."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._terminal = sys.stderr.isatty()
        self._pause = ON_A_TERMINAL if self._terminal else ELSEWHERE
        self._last: Progress | None = None
        self._shown: Progress | None = None
        self._began, self._first, self._next, self._width = 0.0, 0, 0.0, 0

    def __enter__(self) -> _Showing:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_phase()

    def tell(self, progress: Progress) -> None:
        """Show it, unless something was shown just now."""
        now = self._clock()
        if self._last is None or progress.phase is not self._last.phase:
            self._end_phase()
            self._began, self._first, self._next = now, progress.done, now
        self._last = progress
        if now >= self._next:
            self._next = now + self._pause
            self._show(progress)

    def _show(self, progress: Progress) -> None:
        line = describe(progress, progress.done - self._first, self._clock() - self._began)
        self._shown = progress
        if self._terminal:
            click.echo("\r" + line.ljust(self._width), nl=False, err=True)
            self._width = len(line)
        else:
            say(line)

    def _end_phase(self) -> None:
        """Show how far the phase came, where that was not shown yet."""
        if self._last is not None and self._last is not self._shown:
            self._show(self._last)
        if self._width:
            click.echo(err=True)
            self._width = 0


def describe(progress: Progress, rows: int, seconds: float) -> str:
    """One line: a bar, percent, rows a second and the time left, by what was done in the last `seconds`."""
    share = progress.done / progress.total if progress.total else 1.0
    bar = "#" * int(share * BAR)
    line = f"{progress.phase:8} [{bar:.<{BAR}}] {int(share * 100):3d} %"
    if seconds and rows:
        rate = rows / seconds
        left = (progress.total - progress.done) / rate
        line += f"  {rate:,.0f} rows/s  {_time(left)} left"
    return f"{line}  {progress.table}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


COMMANDS: Final[tuple[click.Command, ...]] = (copy,)
