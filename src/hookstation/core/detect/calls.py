"""Detectors over the roll-ups of one webhook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hookstation.core.detect.findings import Kind, Remedy, Signal
from hookstation.core.detect.usual import Usual, usual
from hookstation.core.tallies import CREDENTIALS, HOUR, figures

LEAST_GOOD: Final = 1
LEAST_SCHEMA_FAILURES: Final = 10
SCHEMA_TIMES: Final = 3.0
SCHEMA_POINTS: Final = 0.05
"""Schema failures rise where there are so many, so many times their usual share, and so much above it."""

LEAST_FAILED: Final = 3
FAILING_SHARE: Final = 0.5

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Past:
    """What the roll-ups hold of one webhook, up to now.

    `lately`: the last quarter of an hour; `hour`: the last sixty minutes; `week`: the seven days before these.
    `before`: the calls of the last whole hour of the clock, `weeks` those of the same hour in past weeks, latest first,
    and `before_at` when it began; `now_calls` and `now_weeks` the same of the hour that has begun.
    """

    webhook: str
    connection: str
    lately: Counts = field(default_factory=dict)
    hour: Counts = field(default_factory=dict)
    week: Counts = field(default_factory=dict)
    before_at: int = 0
    before: int = 0
    weeks: Sequence[int] = ()
    now_calls: int = 0
    now_weeks: Sequence[int] = ()


def look(past: Past) -> list[Signal]:
    """Everything that the roll-ups show of a webhook."""
    found = (
        refused_signature(past),
        burst(past),
        silence(past),
        schema_failures(past),
        refused_credentials(past),
        failing(past),
    )
    return [signal for signal in found if signal is not None]


def refused_signature(past: Past) -> Signal | None:
    """Calls that could not be authenticated, after a week in which calls were good and none was refused so."""
    refused = past.hour.get("rejected:authentication", 0)
    good = _good(past.week) + _good(past.hour)
    if not refused or good < LEAST_GOOD or past.week.get("rejected:authentication", 0):
        return None
    return Signal(
        Kind.SIGNATURE,
        past.webhook,
        f"{_calls(refused)} could not be authenticated in the last hour, after {good} good ones and none refused in "
        "the week before. A secret was changed on one side, or somebody else tries.",
        {"refused": refused, "good": good},
        Remedy.ACCESS,
    )


def burst(past: Past) -> Signal | None:
    """Far more calls than usual, in the last whole hour or already in this one."""
    for calls, weeks in ((past.now_calls, past.now_weeks), (past.before, past.weeks)):
        known = usual(weeks)
        if known is not None and known.is_burst(calls):
            sentence = f"{_calls(calls)} within an hour; usual at this hour of the week are {_about(known)}."
            return Signal(Kind.BURST, past.webhook, sentence, _figures(calls, known), Remedy.JOURNAL)
    return None


def silence(past: Past) -> Signal | None:
    """Hardly a call in an hour that is always busy, and none in this one either."""
    known, now = usual(past.weeks), usual(past.now_weeks)
    if known is None or not known.is_silence(past.before):
        return None
    if past.now_calls > (known.middle if now is None else now.middle) / 2:
        return None
    sentence = (
        f"{_calls(past.before)} in the last whole hour; usual at this hour of the week are {_about(known)}. See "
        "whether the sender still sends."
    )
    return Signal(Kind.SILENCE, past.webhook, sentence, _figures(past.before, known), Remedy.WEBHOOK)


def schema_failures(past: Past) -> Signal | None:
    """A far greater share of calls than usual does not fit the schema."""
    now, then = figures(past.hour), figures(past.week)
    failed = now.reasons.get("schema", 0)
    if failed < LEAST_SCHEMA_FAILURES:
        return None
    share = failed / now.calls
    before = then.reasons.get("schema", 0) / then.calls if then.calls else 0.0
    if share < before * SCHEMA_TIMES or share < before + SCHEMA_POINTS:
        return None
    return Signal(
        Kind.SCHEMA,
        past.webhook,
        f"{share:.0%} of the calls of the last hour do not fit the schema ({failed} of {now.calls}); in the week "
        f"before it were {before:.1%}. The sender changed what it sends, or the schema was changed.",
        {"failed": failed, "calls": now.calls, "share": round(share, 4), "usual_share": round(before, 4)},
        Remedy.SCHEMA,
    )


def refused_credentials(past: Past) -> Signal | None:
    """The target says that it does not know us (any more)."""
    refused = past.lately.get(CREDENTIALS, 0)
    if not refused:
        return None
    return Signal(
        Kind.CREDENTIALS,
        past.webhook,
        f"“{past.connection}” refused our credentials ({refused} in the last quarter of an hour): enter the right ones "
        "and check the connection.",
        {"refused": refused},
        Remedy.CONNECTION,
        past.connection,
    )


def failing(past: Past) -> Signal | None:
    """Calls that were accepted fail, mostly or all."""
    lately = figures(past.lately)
    ended = lately.succeeded + lately.failed
    if lately.failed < LEAST_FAILED or lately.failed < ended * FAILING_SHARE:
        return None
    reason = next(iter(lately.reasons))
    return Signal(
        Kind.FAILING,
        past.webhook,
        f"{lately.failed} of the last {ended} accepted calls failed in a quarter of an hour. See in the journal why.",
        {"failed": lately.failed, "ended": ended, "reason": reason},
        Remedy.JOURNAL,
    )


def held(webhook: str, connection: str, waiting: int) -> Signal:
    """Events wait until their target works again."""
    sentence = (
        f"{waiting} {'event is' if waiting == 1 else 'events are'} held until “{connection}” works again."
    )
    return Signal(Kind.HELD, webhook, sentence, {"held": waiting}, Remedy.CONNECTION, connection)


def unknown(webhook: str, events: Sequence[str], *, more: bool = False) -> Signal:
    """Whether records were written is not known. `events`: their ids, oldest first; `more`: these are not all."""
    count = f"{len(events)} or more" if more else str(len(events))
    sentence = (
        f"{count} events have an outcome that is not known: look in the target whether the record stands."
    )
    return Signal(
        Kind.UNKNOWN, webhook, sentence, {"unknown": len(events), "oldest": events[0]}, Remedy.JOURNAL
    )


def hour_of(at: int) -> int:
    """When the hour began that a time lies in."""
    return at - at % HOUR


def _good(counts: Counts) -> int:
    read = figures(counts)
    return read.succeeded + read.failed + read.open + read.repeated


def _figures(calls: int, known: Usual) -> dict[str, int | float | str]:
    return {
        "calls": calls,
        "usual": known.middle,
        "usual_most": round(known.high),
        "usual_least": max(round(known.low), 0),
        "weeks": known.weeks,
    }


def _about(known: Usual) -> str:
    low, high = max(round(known.low), 0), round(known.high)
    return f"about {known.middle:g}, {low} to {high} by the last {known.weeks} weeks"


def _calls(count: int) -> str:
    return f"{count} call" if count == 1 else f"{count} calls"
