"""What runs wait for comes: a call on a one-time URL, a person's decision, a person's word on an unknown outcome."""

from __future__ import annotations

from typing import Final

from hookstation.core import answers
from hookstation.core.events import Answer
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.values import JSON
from hookstation.core.workflows.paths import signal_path
from hookstation.core.workflows.values import ENDED, Entry, EntryState, Run, Signal, Wait, WaitKind
from hookstation.engine.workflows.calls import digest_of
from hookstation.errors import BodyRefused, Conflict, NotFound, StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

LONGEST_TOKEN: Final = 64
LARGEST_BODY: Final = 1024 * 1024
LONGEST_NOTE: Final = 2_000
RETRY_AFTER: Final = 2

NOT_ASKED: Final = (
    "Nobody is asked to decide this just now: it was decided, has expired, or its run has ended."
)
NOT_YOURS: Final = "This is for {person} to decide, not for {who}."
NOT_UNKNOWN: Final = "The outcome of this step is not unknown: it is {state}. There is nothing to say of it."
MOVED: Final = "The run moved on at this very moment. Look at it again."


class Signals:
    """Passes on to runs what they wait for."""

    def __init__(self, store: Store, clock: Clock, event_log: EventLog) -> None:
        self._store, self._clock, self._event_log = store, clock, event_log

    async def answer_wait(self, method: str, token: str, body: bytes) -> Answer:
        """What who called a one-time URL is told. A body that is not JSON leaves the URL good."""
        if not token or len(token) > LONGEST_TOKEN or not token.isascii():
            return answers.NOT_FOUND
        if method != "POST":
            return answers.refused(405, "Send a POST request.", ("Allow", "POST"))
        try:
            return await self._hear(token, body)
        except StoreError:
            return answers.busy(503, "The call could not be stored just now. Send it again.", RETRY_AFTER)

    async def _hear(self, token: str, body: bytes) -> Answer:
        now = self._clock.now()
        wait = await self._store.find_wait(digest_of(token))
        if wait is None or wait.kind is not WaitKind.CALL or (wait.expires_at and wait.expires_at <= now):
            return answers.NOT_FOUND
        try:
            value: JSON = parse_json(body).value if body.strip() else None
        except BodyRefused as refused:
            return answers.unreadable(refused)
        if not await self._tell(wait.run_id, wait.path, value, ""):
            return answers.NOT_FOUND
        return answers.SUCCEEDED

    async def decide(
        self, run_id: str, path: str, who: str, *, approved: bool, note: str = "", anybody: bool = False
    ) -> None:
        """A person decides. `anybody`: `who` may decide for others too.

        Raises `NotFound` for the run, `Conflict` where nobody is asked, or somebody else is.
        """
        await self._run(run_id)
        waits = await self._store.list_waits(run_id=run_id)
        asked = [one for one in waits if one.kind is WaitKind.APPROVAL and _is_at(one, path)]
        now = self._clock.now()
        if not asked or (asked[0].expires_at and asked[0].expires_at <= now):
            raise Conflict(NOT_ASKED)
        person = asked[0].person
        if not anybody and person.casefold() != who.casefold():
            raise Conflict(NOT_YOURS.format(person=person, who=who))
        said: JSON = {"approved": approved, "note": note[:LONGEST_NOTE]}
        if not await self._tell(run_id, asked[0].path, said, who):
            raise Conflict(NOT_ASKED)

    async def resolve(self, run_id: str, path: str, who: str, *, happened: bool, output: JSON = None) -> None:
        """A person says whether a step had its effect, and, where it had, what it put out.

        Raises `NotFound` for the run or the step, `Conflict` where its outcome is not unknown.
        """
        await self._run(run_id)
        entry = await self._entry(run_id, path)
        if entry.state is not EntryState.UNKNOWN:
            raise Conflict(NOT_UNKNOWN.format(state=entry.state.value))
        said: JSON = {"happened": happened, "output": output}
        if not await self._tell(run_id, signal_path(path, entry.attempt), said, who):
            raise Conflict(MOVED)

    async def _tell(self, run_id: str, path: str, said: JSON, who: str) -> bool:
        signal = Signal(run_id, path, self._clock.now(), dump_json(said), who)
        (told,) = await self._store.signal([signal])
        if told:
            self._event_log.write("run_signalled", run_id=run_id, path=path, by=who)
        return told

    async def _run(self, run_id: str) -> Run:
        run = await self._store.get_run(run_id)
        if run is None:
            raise NotFound("run", run_id)
        if run.state in ENDED:
            raise Conflict(f"The run has ended ({run.state.value}); nothing more is decided in it.")
        return run

    async def _entry(self, run_id: str, path: str) -> Entry:
        found = await self._store.list_entries(run_id, 1, under=path)
        if not found or found[0].path != path:
            raise NotFound("step of this run", path)
        return found[0]


def _is_at(wait: Wait, path: str) -> bool:
    return wait.path.partition("#")[0] == path.partition("#")[0]
