"""What becomes of an event that waits for its work when a try of it failed, by the rules of its webhook."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from hookstation.core.answers import shorten
from hookstation.core.definitions import Fault, Poison, Webhook, Work
from hookstation.core.events import Settlement, State
from hookstation.core.jobs import Job
from hookstation.core.retrying import Step, after_fault, fault_of, is_over
from hookstation.engine.settlements import failure
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.unfinished import Unfinished, read_unfinished, unfinished_job
from hookstation.errors import ActionFailed, Busy, Invalid, Terminal
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog

FIRST_REST: Final = 1.0
LONGEST_REST: Final = 15.0
LONGEST_REST_REFUSED: Final = 300.0
"""Seconds until a target that is away is tried again for a webhook that holds its events: first, at most, and at most
where it refuses our credentials, since a target may lock an account that keeps knocking."""

NEVER: Final = 3_650 * 86_400.0
"""Seconds until a parked event is due whose webhook sets no time: a person lets it go long before."""

GAVE_UP: Final = "gave_up"
"""The reason of an event for which nothing more is tried: a dead letter."""

PARKED: Final = "parked"
"""The reason of an event that stays at the head of its key until a person lets it go."""

TOO_LATE: Final = "{error} It is given up, since the webhook allows no more than {time:g} s for it."
OVER: Final = "Its time was over before it could be done: the webhook allows {time:g} s."

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Away:
    """A lane whose target is away. `until`: seconds on the clock's monotonic scale."""

    until: float
    times: int


class Retrying:
    """Decides, and remembers which lanes rest. `luck`: a random number from 0 to 1, with each call another one."""

    def __init__(
        self, switchboard: Switchboard, clock: Clock, event_log: EventLog, luck: Callable[[], float]
    ) -> None:
        self._switchboard, self._clock, self._event_log, self._luck = switchboard, clock, event_log, luck
        self._away: dict[str, _Away] = {}

    def webhook(self, lane: str) -> Webhook | None:
        """The webhook of a lane as it is now, ``None`` where it is gone or broken."""
        line = self._switchboard.named(lane)
        if line is None:
            return None
        try:
            return self._switchboard.compiled(line).definition
        except Invalid:
            return None

    def holds(self, lane: str) -> bool:
        """Whether an event that cannot be done stays at the head of its key."""
        webhook = self.webhook(lane)
        return webhook is not None and webhook.work.poison is Poison.HOLD

    def rest(self, lane: str) -> float | None:
        """Seconds for which a lane still rests: 0 where one event may try whether its target is back.

        ``None`` where it does not rest.
        """
        away = self._away.get(lane)
        return None if away is None else max(0.0, away.until - self._clock.monotonic())

    def works(self, lane: str) -> None:
        """The target of a lane does its work."""
        if lane in self._away:
            del self._away[lane]

    def wake(self) -> list[str]:
        """Targets were changed: no lane rests any more; returns those that did."""
        lanes, self._away = list(self._away), {}
        return lanes

    def late(self, job: Job, work: Unfinished) -> Settlement | None:
        """How an event ends whose time is over, ``None`` where it is not."""
        webhook = self.webhook(job.lane)
        if webhook is None or not is_over(webhook.work, self._age(work)):
            return None
        return failure(OVER.format(time=webhook.work.time), GAVE_UP)

    def after(
        self, event_id: str, job: Job, work: Unfinished, failed: ActionFailed
    ) -> tuple[Settlement, Job | None]:
        """How an event stands after a try that surely failed, and what is left to do for it.

        `job` is that of the try; what follows has the same lane.
        """
        webhook, fault, tries = self.webhook(job.lane), fault_of(failed), job.tries + 1
        if webhook is not None and webhook.hold and fault in (Fault.OFFLINE, Fault.CREDENTIALS):
            return self._held(event_id, job, work, failed, fault)
        rule = Work() if webhook is None else webhook.work
        least = failed.seconds if isinstance(failed, Busy) else 0.0
        step, seconds, late = after_fault(
            rule, fault, tries, self._age(work), self._luck(), ordered=bool(job.key), least=least
        )
        error = shorten(failed.message)
        if step is Step.GIVE_UP:
            told = TOO_LATE.format(error=error, time=rule.time) if late else error
            return failure(told, GAVE_UP), None
        if step is Step.PARK:
            left = rule.time - self._age(work) if rule.time else NEVER
            parked = structs.replace(work, parked=True, waits=0)
            again = unfinished_job(event_id, parked, key=job.key, seconds=left, tries=tries, lane=job.lane)
            return Settlement(State.HELD, error=error, reason=PARKED), again
        key = "" if step is Step.ASIDE else job.key
        tried = structs.replace(work, waits=0)
        again = unfinished_job(event_id, tried, key=key, seconds=seconds, tries=tries, lane=job.lane)
        return Settlement(State.WORKING, error=error), again

    def after_refusal(
        self, event_id: str, job: Job, work: Unfinished
    ) -> tuple[Settlement | None, Job | None]:
        """As `after` a refusal that is not known yet; ``None`` and ``None`` where the event is simply given up."""
        webhook = self.webhook(job.lane)
        rule = Work() if webhook is None else webhook.work
        if Fault.REFUSED not in rule.retry.on and not (job.key and rule.poison is Poison.HOLD):
            return None, None
        settlement, again = self.after(event_id, job, work, Terminal())
        return (None, None) if again is None else (settlement, again)

    def _held(
        self, event_id: str, job: Job, work: Unfinished, failed: ActionFailed, fault: Fault
    ) -> tuple[Settlement, Job]:
        """The target is away, which uses up no tries: the event waits, and so does its lane."""
        most = LONGEST_REST_REFUSED if fault is Fault.CREDENTIALS else LONGEST_REST
        waits = structs.replace(work, waits=work.waits + 1)
        seconds = min(FIRST_REST * 2 ** min(work.waits, 10), most)
        again = unfinished_job(event_id, waits, key=job.key, seconds=seconds, tries=job.tries, lane=job.lane)
        self._let_rest(job.lane, most)
        return Settlement(State.HELD, error=shorten(failed.message)), again

    def _let_rest(self, lane: str, most: float) -> None:
        now, away = self._clock.monotonic(), self._away.get(lane)
        if away is None:
            self._away[lane] = _Away(now + FIRST_REST, 1)
        elif away.until <= now:
            self._away[lane] = _Away(now + min(FIRST_REST * 2 ** min(away.times, 10), most), away.times + 1)

    def tell(self, event_id: str, webhook: str, settlement: Settlement, job: Job | None) -> None:
        """Say what people should know of a try that failed, once that is committed: one alert for each parked key."""
        if job is not None and read_unfinished(job).parked:
            self._event_log.write(
                "key_parked",
                event_id=event_id,
                webhook=webhook,
                key=key_shown(job.key),
                error=settlement.error,
            )
            log.error(
                "the webhook “%s” has parked “%s”: the event %s fails every time, and those behind it wait until "
                "somebody retries or cancels it: %s",
                webhook,
                key_shown(job.key),
                event_id,
                settlement.error,
            )
        elif settlement.reason == GAVE_UP:
            self._event_log.write(
                "event_given_up", event_id=event_id, webhook=webhook, error=settlement.error
            )

    def _age(self, work: Unfinished) -> float:
        return (self._clock.now() - work.accepted_at) / 1_000_000


def key_shown(key: str) -> str:
    """The order value in an order key, as people know it."""
    return key.partition("\n")[2]
