"""Steps that wait: for a time, for a call on a one-time URL, and for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from hookstation.core.isotime import read_moment
from hookstation.core.jsontext import dump_json
from hookstation.core.template.scope import instant, instant_text
from hookstation.core.values import JSON
from hookstation.core.workflows.paths import signal_path
from hookstation.core.workflows.values import Entry, Signal, Wait, WaitKind
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.calls import CallTokens
from hookstation.engine.workflows.steps.mails import mail_of, message_id
from hookstation.engine.workflows.steps.reading import flag, needed, seconds, text
from hookstation.engine.workflows.tasks import Done, Failed, Pause, Task, Way
from hookstation.engine.workflows.texts import read_text
from hookstation.errors import Terminal
from hookstation.ports.mail import Mail

SECOND: Final = 1_000_000
UTC_ZONE: Final = ZoneInfo("UTC")
DAYS: Final = 86_400
CALL_EXPIRES: Final = 7 * DAYS
EXPIRED_CALL: Final = "Nobody called the one-time URL in time."
EXPIRED: Final = "Nobody decided in time."


class WaitStep:
    """``wait``: `for` so long, `until` a moment, or for a call."""

    def __init__(self, calls: CallTokens) -> None:
        self._calls = calls

    def begin(self, task: Task) -> Way:
        """A moment, or what waits for the call."""
        settings = task.settings
        if flag(settings, "call"):
            due = task.now + int(seconds(settings, "expires", CALL_EXPIRES) * SECOND)
            place = signal_path(task.path, task.attempt)
            digest = self._calls.digest(task.run.id, task.path)
            wait = Wait(task.run.id, place, WaitKind.CALL, digest, due, title=task.step.title)
            return Pause(due, wait)
        if "for" in settings:
            return Pause(task.now + int(seconds(settings, "for") * SECOND))
        due = _moment(needed(settings, "until"))
        return _waited(task.now, task.now) if due <= task.now else Pause(due)

    def resume(self, task: Task, entry: Entry, signal: Signal | None) -> Done | Failed | Pause:
        """The time has come, or the call."""
        if signal is not None:
            return Done(read_text(signal.payload))
        if flag(task.settings, "call"):
            return Failed(EXPIRED_CALL)
        return _waited(entry.started_at, max(entry.due_at, entry.started_at))


class Approval:
    """``approval``: a person says yes or no; reminded by mail as often as the step says."""

    def __init__(self, targets: Targets, base_url: str) -> None:
        self._targets, self._base_url = targets, base_url.rstrip("/")

    def begin(self, task: Task) -> Way:
        """The person is told, and waited for."""
        settings = task.settings
        person, message = needed(settings, "person"), needed(settings, "message")
        place = signal_path(task.path, task.attempt)
        expires = _at(task, "expire")
        due = _sooner(expires, _at(task, "remind"))
        wait = Wait(
            task.run.id,
            place,
            WaitKind.APPROVAL,
            sha256(f"approval\n{task.run.id}\n{place}".encode()).digest(),
            expires,
            person,
            message,
        )
        return Pause(due, wait, detail=_kept(expires, 0), notice=self._notice(task, "", 0))

    def resume(self, task: Task, entry: Entry, signal: Signal | None) -> Done | Failed | Pause:
        """The decision; or the person is reminded; or nobody is waited for any more."""
        if signal is not None:
            return _decided(signal)
        kept = read_text(entry.detail)
        assert isinstance(kept, dict)
        expires, reminded = int(str(kept["expires"])), int(str(kept["reminded"]))
        if expires and task.now >= expires:
            if text(task.settings, "on_expire", "fail") == "continue":
                return Done({"approved": False, "by": "", "at": instant_text(task.now), "note": EXPIRED})
            return Failed(EXPIRED, output={"approved": False, "by": "", "at": instant_text(task.now)})
        due = _sooner(expires, _at(task, "remind"))
        notice = self._notice(task, "Reminder: ", reminded + 1)
        return Pause(due, detail=_kept(expires, reminded + 1), notice=notice)

    def _notice(self, task: Task, before: str, number: int) -> Callable[[], Awaitable[None]] | None:
        connection = text(task.settings, "connection")
        if not connection:
            return None
        title = task.step.title or task.step.name
        mail = Mail(
            (needed(task.settings, "person"),),
            f"{before}{title}"[:200],
            f"{needed(task.settings, 'message')}\n\nDecide here: {self._base_url}/approvals",
            message_id=message_id(task, f".{number}"),
        )

        async def tell() -> None:
            await mail_of(self._targets, connection).send(mail)

        return tell


def _decided(signal: Signal) -> Done | Failed:
    said = read_text(signal.payload)
    approved = isinstance(said, dict) and said.get("approved") is True
    note = text(said, "note") if isinstance(said, dict) else ""
    decision: JSON = {
        "approved": approved,
        "by": signal.who,
        "at": instant_text(signal.at),
        "note": note,
    }
    if approved:
        return Done(decision)
    return Failed(f"{signal.who or 'Somebody'} said no{f': {note}' if note else '.'}", output=decision)


def _waited(since: int, until: int) -> Done:
    return Done({"since": instant_text(since), "until": instant_text(until)})


def _moment(written: str) -> int:
    """Microseconds since the epoch. Raises `Terminal`."""
    found = read_moment(written)
    if found is None:
        raise Terminal(f"“until” is “{written[:60]}”, and has to be a moment such as 2026-11-22T09:30:00Z.")
    at = found.local(UTC_ZONE).replace(tzinfo=UTC)
    return int((at - instant(0)).total_seconds() * SECOND)


def _at(task: Task, name: str) -> int:
    """The moment that is so far from now as the setting says; 0 where it says nothing."""
    after = seconds(task.settings, name)
    return task.now + int(after * SECOND) if after else 0


def _sooner(one: int, other: int) -> int:
    """The sooner of two moments, of which 0 is never."""
    return min(one, other) if one and other else one or other


def _kept(expires: int, reminded: int) -> str:
    return dump_json({"expires": expires, "reminded": reminded})
