"""How a webhook's events are worked off that are answered before the work is done, as a part of its document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hookstation.core.definitions import AnswerMode, Check, Fault, Poison, Retry, Webhook, Work
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.fieldlist.kinds import listed
from hookstation.core.nearest import did_you_mean
from hookstation.core.template import compile_template, rewrite
from hookstation.core.values import Number
from hookstation.errors import Invalid, Problem

DAY: Final = 86_400
_FAULTS: Final = tuple(fault.value for fault in Fault)

PAUSES: Final = (
    Setting("first", Kind.DURATION, default="5s", maximum=DAY, help="The pause after the first try."),
    Setting(
        "factor",
        Kind.INTEGER,
        default=3,
        minimum=1,
        maximum=10,
        help="Each later pause is so many times as long as the one before.",
    ),
    Setting("most", Kind.DURATION, default="1h", minimum=1, maximum=7 * DAY, help="The longest pause."),
    Setting(
        "jitter",
        Kind.TEXT,
        default="20%",
        pattern="(?:100|[1-9]?[0-9])%",
        pattern_words="whole per cent, like 20%",
        help="By how much each pause is lengthened or shortened at random.",
    ),
    Setting(
        "on",
        Kind.LIST,
        default=["offline", "busy", "credentials", "unknown"],
        maximum=len(_FAULTS),
        help="After which faults it is tried again: `offline` (the target is not there), `busy` (it wants to be "
        "asked later), `credentials` (it does not know us), `refused` (it said no), `unknown` (nobody knew the "
        "outcome, and a look-up showed that nothing was written). After any other the event is given up at once.",
    ),
)
"""How long is waited between tries, and after which faults at all."""

_RETRY: Final = Setting(
    "retry",
    Kind.GROUP,
    help="How often an event is tried.",
    fields=(
        Setting("attempts", Kind.INTEGER, default=10, minimum=1, maximum=100, help="At most so many tries."),
        *PAUSES,
    ),
)

WORK: Final = Setting(
    "work",
    Kind.GROUP,
    help="How events are worked off that are answered before the work is done: `answer: queued` or `poll`, or "
    "`respond_async`.",
    fields=(
        Setting(
            "concurrency",
            Kind.INTEGER,
            minimum=1,
            maximum=1_000,
            help="How many events are at work at once, all nodes together; left out: 10, and for the station's own "
            "database as many as there are.",
        ),
        Setting(
            "order",
            Kind.TEXT,
            maximum=1_000,
            help="A template over the payload: events with the same value are worked off one after the other, in the "
            "order in which they came; others pass them. Left out: in any order.",
            example="$$memberId$$",
        ),
        Setting(
            "poison",
            Kind.CHOICE,
            default="hold",
            choices=tuple(Poison),
            help="What becomes of an ordered event that fails every time: `hold` keeps it at the head of its key, and "
            "those behind it waiting, until a person retries or cancels it; `skip` lets the others pass after "
            "`skip_after` tries; `drop` gives it up when its tries are used up, and the next one goes.",
        ),
        Setting(
            "skip_after",
            Kind.INTEGER,
            default=3,
            minimum=1,
            maximum=100,
            help="With `poison: skip`: after so many tries the others pass.",
        ),
        Setting(
            "time",
            Kind.DURATION,
            minimum=1,
            maximum=366 * DAY,
            help="So long after an event was accepted nothing more is tried for it, and it is given up; left out: "
            "until its tries are used up.",
        ),
        _RETRY,
    ),
)


ANSWERING: Final = (
    Setting(
        "acknowledge",
        Kind.INTEGER,
        default=200,
        help="With `answer: queued`: the status of the answer, 200 or 202.",
    ),
    Setting(
        "omit_body",
        Kind.BOOLEAN,
        default=False,
        help="With `answer: queued`: whether the answer has no body.",
    ),
    Setting(
        "check",
        Kind.CHOICE,
        default="before",
        choices=tuple(Check),
        help="Whether an event that is answered before the work is done is held against schema and mapping `before` "
        "the answer, or `later`: then whatever is JSON is acknowledged, and what does not fit stands failed.",
    ),
    Setting(
        "respond_async",
        Kind.BOOLEAN,
        default=False,
        help="Whether a sender may ask by `Prefer: respond-async` for the answer of `poll`.",
    ),
    WORK,
)
"""The settings of a webhook that say how and when its senders are answered, besides `answer` itself."""


def work_of(values: Values) -> Work:
    """The group's value; of one that was left out the default."""
    if not values:
        return Work()
    return Work(
        concurrency=values.optional_integer("concurrency"),
        order=rewrite(values.text("order")),
        poison=Poison(values.text("poison")),
        skip_after=values.integer("skip_after"),
        time=values.seconds("time") if "time" in values else 0.0,
        retry=retry_of(values.group("retry")),
    )


def retry_of(values: Values) -> Retry:
    """The group's value; of one that was left out the default."""
    if not values:
        return Retry()
    return Retry(
        values.integer("attempts"),
        values.seconds("first"),
        values.integer("factor"),
        values.seconds("most"),
        int(values.text("jitter")[:-1]) / 100,
        frozenset(Fault(one) for one in values.texts("on")),
    )


def work_values(work: Work) -> dict[str, object]:
    """The values of the group."""
    return {
        "concurrency": work.concurrency,
        "order": work.order,
        "poison": work.poison.value,
        "skip_after": work.skip_after,
        "time": written_seconds(work.time) if work.time else None,
        "retry": retry_values(work.retry),
    }


def retry_values(retry: Retry) -> dict[str, object]:
    """The values of the group."""
    return {
        "attempts": retry.attempts,
        "first": written_seconds(retry.first),
        "factor": int(retry.factor),
        "most": written_seconds(retry.most),
        "jitter": f"{round(retry.jitter * 100)}%",
        "on": [fault for fault in _FAULTS if fault in retry.on],
    }


def answering_values(webhook: Webhook) -> dict[str, object]:
    """The values of `ANSWERING`."""
    return {
        "acknowledge": webhook.acknowledge,
        "omit_body": webhook.omit_body,
        "check": webhook.check.value,
        "respond_async": webhook.respond_async,
        "work": work_values(webhook.work),
    }


def written_seconds(time: float) -> int | Number:
    """Seconds as a decoded duration has them."""
    return int(time) if time == int(time) else Number(repr(time))


USUAL: Final = Values({name: one for name, one in work_values(Work()).items() if one})
"""A group that says nothing but what is so anyway, as a document has it that was written out with all defaults."""


def check_answering(values: Values) -> Iterator[Problem]:
    """What decoding the settings of a webhook's `ANSWERING` alone cannot see."""
    if "acknowledge" in values and values.integer("acknowledge") not in (200, 202):
        yield Problem(("acknowledge",), "must be 200 or 202.")
    elif values.text("answer") != AnswerMode.QUEUED:
        if "acknowledge" in values and values.integer("acknowledge") != 200:
            yield Problem(("acknowledge",), ONLY_QUEUED)
        if values.flag("omit_body"):
            yield Problem(("omit_body",), ONLY_QUEUED)
    if values.text("answer") in ("", AnswerMode.OUTCOME) and not values.flag("respond_async"):
        if values.text("check") == Check.LATER:
            yield Problem(("check",), ONLY_LATER)
        if values.group("work") not in (Values({}), USUAL):
            yield Problem(("work",), ONLY_LATER)
    yield from (problem.under("work") for problem in _check_work(values.group("work")))


def _check_work(values: Values) -> Iterator[Problem]:
    order, poison = values.text("order"), values.text("poison")
    try:
        compile_template(order)
    except Invalid as refusal:
        yield from (problem.under("order") for problem in refusal.problems)
    if poison not in ("", Poison.HOLD) and not order:
        yield Problem(
            ("poison",),
            "says who may pass whom, so it needs an order: write `order`, or leave this out.",
        )
    retry = values.group("retry")
    if retry and poison == Poison.SKIP and "attempts" in retry and "skip_after" in values:
        attempts = retry.integer("attempts")
        if values.integer("skip_after") >= attempts:
            told = f"must be less than retry.attempts, which is {attempts}: nobody would pass before the last try."
            yield Problem(("skip_after",), told)
    yield from (problem.under("retry") for problem in check_retry(retry))


def check_retry(retry: Values) -> Iterator[Problem]:
    """What decoding a group like `work.retry` alone cannot see."""
    yield from (problem.under("on") for problem in _check_faults(retry.texts("on")))
    if "first" in retry and "most" in retry and retry.seconds("first") > retry.seconds("most"):
        yield Problem(("first",), "must not be longer than `most`, the longest pause.")


def _check_faults(names: tuple[str, ...]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in _FAULTS:
            hint = did_you_mean(name, _FAULTS)
            yield Problem((index,), f"“{name}” is no fault; choose among {listed(_FAULTS)}.{hint}")


ONLY_QUEUED: Final = "is for “answer: queued” alone; set that, or leave this out."
ONLY_LATER: Final = (
    "is for events that are answered before the work is done; set “answer” to “queued” or “poll”, or “respond_async” "
    "to true, or leave this out."
)
