"""A schedule as a document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.fieldlist import Kind, Setting, Values, decode, encode
from hookstation.core.schedules.clockwork import Repeated, Skipped
from hookstation.core.schedules.cron import LONGEST, Cron
from hookstation.core.schedules.definitions import (
    Days,
    Every,
    Missed,
    Once,
    Overlap,
    Schedule,
    ScheduleState,
    Starts,
    Timing,
)
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem

DAY: Final = 86_400
TIMINGS: Final = ("cron", "at", "every")
STARTED: Final = tuple(one.value for one in Starts)

_DATE_WORDS: Final = "a date like 2026-12-25"
SCHEDULE: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern="[a-z0-9-]{1,64}",
        pattern_words="lower-case letters, digits and “-”, up to 64",
        help="What commands and pages call it; unique.",
        example="nightly",
    ),
    Setting("title", Kind.TEXT, maximum=200, help="What people call it.", example="Every night"),
    Setting("note", Kind.TEXT, maximum=10_000, help="What people should know about it."),
    Setting("state", Kind.CHOICE, default="active", choices=tuple(ScheduleState), help="Whether it fires."),
    Setting(
        "workflow",
        Kind.NAME,
        help="The workflow that it starts, whose trigger must be `schedule`; or write `transfer` or `poll`.",
        example="nightly-lapsed",
    ),
    Setting("transfer", Kind.NAME, help="The transfer that it starts."),
    Setting("poll", Kind.NAME, help="The poll that it starts."),
    Setting("input", Kind.JSON, help="What the workflow is given: any JSON.", example={"days": 30}),
    Setting(
        "cron",
        Kind.TEXT,
        maximum=LONGEST,
        help="When, in five fields: minute, hour, day of the month, month, day of the week. `L` is the last day, `LW` "
        "the last weekday, `FW` the first weekday of the month, `MON#1` its first Monday. Or write `at` or `every`.",
        example="0 9 * * 1-5",
    ),
    Setting(
        "at",
        Kind.TEXT,
        maximum=40,
        help="Once, at this time on the clocks of `zone`.",
        example="2026-12-01T09:00",
    ),
    Setting(
        "every",
        Kind.DURATION,
        minimum=1,
        maximum=366 * DAY,
        help="Again and again after so long, counted from the beginning of `starts`, or of 1970.",
        example="15m",
    ),
    Setting("zone", Kind.ZONE, default="UTC", help="Whose clocks are meant.", example="Europe/Berlin"),
    Setting(
        "clock_change",
        Kind.GROUP,
        help="What happens where clocks are changed.",
        fields=(
            Setting(
                "skipped",
                Kind.CHOICE,
                default="shift",
                choices=tuple(Skipped),
                help="A time that the clocks leave out: `shift` fires when they have gone on, `skip` not at all.",
            ),
            Setting(
                "repeated",
                Kind.CHOICE,
                default="first",
                choices=tuple(Repeated),
                help="A time that comes twice: the `first` one, the `second`, or `both`.",
            ),
        ),
    ),
    Setting(
        "missed",
        Kind.CHOICE,
        default="once",
        choices=tuple(Missed),
        help="Times at which the station did not run: `skip` leaves them, `once` makes up for the last of them, `all` "
        "for each.",
    ),
    Setting(
        "missed_window",
        Kind.DURATION,
        default="1h",
        minimum=1,
        maximum=366 * DAY,
        help="Times that are longer ago are never made up for.",
    ),
    Setting(
        "overlap",
        Kind.CHOICE,
        default="skip",
        choices=tuple(Overlap),
        help="Where the run that it started before has not ended: `skip` leaves this time out, `queue` begins when it "
        "has, `cancel` ends the old one, `allow` lets both run.",
    ),
    Setting(
        "jitter",
        Kind.DURATION,
        default="0s",
        maximum=DAY,
        help="By how much a time is put off at most, so that not everything begins at once.",
    ),
    Setting(
        "starts",
        Kind.TEXT,
        maximum=10,
        help="The first day on which it fires; left out: from now on.",
        example="2026-12-01",
    ),
    Setting(
        "ends",
        Kind.TEXT,
        maximum=10,
        help="The last day on which it fires; left out: none.",
        example="2027-11-30",
    ),
    Setting(
        "except",
        Kind.JSON,
        help="Days on which it does not fire: dates, or objects with `from` and `to`.",
        example=["2026-12-25", {"from": "2026-12-29", "to": "2027-01-02"}],
    ),
    Setting(
        "disable_after",
        Kind.INTEGER,
        default=0,
        minimum=0,
        maximum=1_000,
        help="So many failures in a row switch it off; 0: none do.",
    ),
)
MOST_EXCEPTIONS: Final = 1_000
_NO_SECRETS: Final = PersonSecrets()


def decode_schedule(document: JSON) -> tuple[Schedule | None, list[Problem]]:
    """The schedule, ``None`` where anything is wrong, and what is. Whether what it starts is there is not asked."""
    values, problems = decode(SCHEDULE, document, _NO_SECRETS)
    problems += _one_of(values, STARTED)
    problems += _one_of(values, TIMINGS)
    if "input" in values and "workflow" not in values:
        problems.append(Problem(("input",), "is for a workflow; leave it out."))
    for name in ("every", "missed_window", "jitter"):
        if name in values and values.seconds(name) != int(values.seconds(name)):
            problems.append(Problem((name,), "must be whole seconds."))
    timing = _timing(values, problems)
    starts, ends = (_day(values, name, problems) for name in ("starts", "ends"))
    if starts and ends and ends < starts:
        problems.append(Problem(("ends",), "lies before “starts”."))
    exceptions = tuple(_exceptions(values.json("except"), problems))
    if problems or timing is None:
        return None, problems
    return _schedule(values, timing, (starts, ends), exceptions), []


def _one_of(values: Values, names: tuple[str, ...]) -> Iterator[Problem]:
    given = [name for name in names if name in values]
    if not given:
        yield Problem((), f"needs one of {', '.join(names[:-1])} and {names[-1]}.")
    for name in given[1:]:
        yield Problem((name,), f"cannot stand beside “{given[0]}”; write one of the two.")


def _timing(values: Values, problems: list[Problem]) -> Timing | None:
    if "cron" in values:
        try:
            return Cron(values.text("cron"))
        except Invalid as refusal:
            problems += [problem.under("cron") for problem in refusal.problems]
    elif "at" in values:
        return _once(values.text("at"), problems)
    elif "every" in values:
        return Every(int(values.seconds("every")))
    return None


def _once(text: str, problems: list[Problem]) -> Once | None:
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        problems.append(Problem(("at",), f"“{text[:40]}” is not a time; write it like 2026-12-01T09:00."))
        return None
    if wall.tzinfo is not None:
        problems.append(
            Problem(("at",), "is a time on the clocks of “zone”; leave the offset out and set that.")
        )
        return None
    return Once(wall)


def _day(values: Values, name: str, problems: list[Problem]) -> date | None:
    return _date(values.text(name), (name,), problems) if name in values else None


def _date(written: JSON, place: tuple[str | int, ...], problems: list[Problem]) -> date | None:
    try:
        if isinstance(written, str) and len(written) == 10:
            return date.fromisoformat(written)
    except ValueError:
        pass
    problems.append(Problem(place, f"must be {_DATE_WORDS}."))
    return None


def _exceptions(written: JSON, problems: list[Problem]) -> Iterator[Days]:
    if written is None:
        return
    if not isinstance(written, list) or len(written) > MOST_EXCEPTIONS:
        problems.append(Problem(("except",), f"must be a list of at most {MOST_EXCEPTIONS:,} dates."))
        return
    for index, one in enumerate(written):
        match one:
            case {"from": first_day, "to": last_day, **more} if not more:
                first = _date(first_day, ("except", index, "from"), problems)
                last = _date(last_day, ("except", index, "to"), problems)
            case _:
                first = last = _date(one, ("except", index), problems)
        if first and last and last < first:
            problems.append(Problem(("except", index, "to"), "lies before “from”."))
        elif first and last:
            yield Days(first, last)


def _schedule(
    values: Values, timing: Timing, days: tuple[date | None, date | None], exceptions: tuple[Days, ...]
) -> Schedule:
    kind = next(name for name in STARTED if name in values)
    change = values.group("clock_change")
    return Schedule(
        name=values.text("name"),
        timing=timing,
        kind=Starts(kind),
        target=values.text(kind),
        title=values.text("title"),
        note=values.text("note"),
        state=ScheduleState(values.text("state")),
        input=values.json("input"),
        zone=values.text("zone"),
        skipped=Skipped(change.text("skipped") or Skipped.SHIFT),
        repeated=Repeated(change.text("repeated") or Repeated.FIRST),
        missed=Missed(values.text("missed")),
        missed_window=int(values.seconds("missed_window")),
        overlap=Overlap(values.text("overlap")),
        jitter=int(values.seconds("jitter")),
        starts=days[0],
        ends=days[1],
        exceptions=exceptions,
        disable_after=values.integer("disable_after"),
    )


def encode_schedule(schedule: Schedule, *, defaults: bool = False) -> dict[str, JSON]:
    """The document of a schedule, with what is default or without."""
    timing = schedule.timing
    values: dict[str, object] = {
        "name": schedule.name,
        "title": schedule.title,
        "note": schedule.note,
        "state": schedule.state.value,
        schedule.kind.value: schedule.target,
        "input": schedule.input,
        "cron": timing.source if isinstance(timing, Cron) else None,
        "at": timing.wall.isoformat(timespec="auto") if isinstance(timing, Once) else None,
        "every": timing.seconds if isinstance(timing, Every) else None,
        "zone": schedule.zone,
        "clock_change": {"skipped": schedule.skipped.value, "repeated": schedule.repeated.value},
        "missed": schedule.missed.value,
        "missed_window": schedule.missed_window,
        "overlap": schedule.overlap.value,
        "jitter": schedule.jitter,
        "starts": schedule.starts.isoformat() if schedule.starts else None,
        "ends": schedule.ends.isoformat() if schedule.ends else None,
        "except": [_written(days) for days in schedule.exceptions] or None,
        "disable_after": schedule.disable_after,
    }
    return encode(SCHEDULE, values, _NO_SECRETS, defaults=defaults)


def _written(days: Days) -> JSON:
    if days.first == days.last:
        return days.first.isoformat()
    return {"from": days.first.isoformat(), "to": days.last.isoformat()}
