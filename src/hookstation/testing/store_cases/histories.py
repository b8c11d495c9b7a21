"""Random histories of jobs against a model that is simple enough to be believed."""

# ruff: noqa: S311 -- nothing here has to be unguessable
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from hookstation.core.jobs import Job, JobEnd, JobState, Lease, Leased, Priority, StoredJob
from hookstation.testing.store_cases.making import HOUR, LATER, QUEUE, Workplace, chore, join

STEPS: Final = 60
_NODES: Final = ("n1", "n2")


@dataclass(slots=True)
class _Kept:
    """A job of the model; `lease` is who holds it, `later` whether its time is far."""

    job: Job
    later: bool
    lease: Lease | None = None


class History:
    """Does random things to a store and to a model, and sees that both stand alike after each."""

    def __init__(self, store: Workplace, seed: int) -> None:
        self._store = store
        self._random = Random(seed)
        self._kept: dict[str, _Kept] = {}
        self._old: list[Lease] = []
        self._tokens: dict[str, int] = {}
        self.done: list[str] = []

    async def step(self) -> None:
        """One thing, chosen at random; raises `AssertionError` with all that was done where they differ."""
        acts = (self._enqueue, self._lease, self._lease, self._settle, self._cancel, self._hurry, self._reap)
        act = self._random.choice(acts)
        self.done.append(act.__name__)
        await act()
        shown = await self._store.list_jobs(QUEUE, "", 1_000)
        expected = [(id_, self._state(id_), self._holder(id_)) for id_ in sorted(self._kept)]
        assert expected == [(one.job.id, one.state, one.node) for one in shown], self.done

    def _job(self, job_id: str) -> tuple[Job, bool]:
        later = self._random.random() < 0.2
        key = self._kept[job_id].job.key if job_id in self._kept else self._random.choice(("", "k", "o"))
        priority = self._random.choice(list(Priority))
        tries = self._random.randrange(9)
        return chore(job_id, key=key, priority=priority, tries=tries, delay=LATER if later else 0), later

    async def _enqueue(self) -> None:
        made = [self._job(f"{self._random.randrange(12):02}") for _ in range(self._random.randrange(1, 4))]
        expected = []
        for job, later in made:
            expected.append(job.id not in self._kept)
            self._kept.setdefault(job.id, _Kept(job, later))
        assert expected == list(await self._store.enqueue([job for job, _ in made])), self.done

    async def _lease(self) -> None:
        node, limit = self._random.choice(_NODES), self._random.randrange(1, 5)
        shown = {one.job.id: one for one in await self._store.list_jobs(QUEUE, "", 1_000)}
        free = [id_ for id_ in self._kept if self._state(id_) is JobState.READY and not self._kept[id_].later]
        expected = sorted(free, key=lambda id_: _urgency(shown[id_]))[:limit]
        seconds = self._random.choice((0.0, HOUR))
        found = await self._store.lease(QUEUE, node, seconds, limit)
        assert expected == [one.job.id for one in found], self.done
        for one in found:
            self._hold(one, over=not seconds)

    def _hold(self, found: Leased, *, over: bool) -> None:
        kept = self._kept[found.job.id]
        assert found.lease.token > self._tokens.get(found.job.id, 0), self.done
        assert (kept.job.tries, kept.job.key, 0) == (found.job.tries, found.job.key, found.job.delay)
        self._tokens[found.job.id] = found.lease.token
        self._old.append(found.lease)
        kept.lease, kept.later = found.lease, over

    async def _settle(self) -> None:
        chosen = self._random.sample(self._old, min(len(self._old), 3))
        ends, expected = [], []
        for lease in chosen:
            again, later = self._job(lease.id) if self._random.random() < 0.4 else (None, False)
            ends.append(JobEnd(lease, again))
            expected.append(lease.id in self._kept and self._kept[lease.id].lease == lease)
            self._end(lease, again, later, holds=expected[-1])
        assert expected == list(await self._store.settle(ends)), self.done

    def _end(self, lease: Lease, again: Job | None, later: bool, *, holds: bool) -> None:
        if holds and again is None:
            del self._kept[lease.id]
        elif holds and again is not None:
            self._kept[lease.id] = _Kept(again, later)

    async def _cancel(self) -> None:
        job_id = f"{self._random.randrange(12):02}"
        expected = self._kept.pop(job_id, None) is not None
        assert expected == await self._store.cancel(QUEUE, job_id), self.done

    async def _hurry(self) -> None:
        waiting = [
            one for one in self._kept.values() if one.job.key == "k" and one.later and one.lease is None
        ]
        for one in waiting:
            one.later = False
        assert len(waiting) == await self._store.hurry(QUEUE, "k"), self.done

    async def _reap(self) -> None:
        """While a job is held, `later` says that its lease was over at once."""
        over = [one for one in self._kept.values() if one.lease is not None and one.later]
        for one in over:
            one.lease, one.later = None, False
        assert len(over) == (await self._store.reap(HOUR)).leases, self.done

    def _state(self, job_id: str) -> JobState:
        mine = self._kept[job_id]
        if mine.lease is not None:
            return JobState.LEASED
        same = [one for one in self._kept.values() if one.job.key and one.job.key == mine.job.key]
        before = [one for one in same if one.lease is not None or one.job.id < job_id]
        return JobState.BEHIND if before else JobState.READY

    def _holder(self, job_id: str) -> str:
        lease = self._kept[job_id].lease
        return lease.node if lease else ""


def _urgency(shown: StoredJob) -> tuple[int, int, str]:
    return shown.job.priority, shown.due_at, shown.job.id


class RandomCases:
    """What holds whatever is asked in whatever order."""

    seeds: Sequence[int] = range(8)
    """A history each; each is the same one every time."""

    async def test_random_histories(self, store: Workplace) -> None:
        """After every step of every history each job stands as a simple model says, and leases come in its order."""
        await join(store, *_NODES)
        for seed in self.seeds:
            history = History(store, seed)
            for _ in range(STEPS):
                await history.step()
            await _empty(store)


async def _empty(store: Workplace) -> None:
    for one in await store.list_jobs(QUEUE, "", 1_000):
        await store.cancel(QUEUE, one.job.id)
