"""DBOS with a queue without limits and a no-op workflow, as its documentation makes them.

Each process has an executor id of its own, as its documentation asks of several executors on one database.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, EnqueueOptions

from benchmarks.jobs.side import PATIENCE, pause, run_worker

QUEUE: Final = "bench"
JOB: Final[EnqueueOptions] = {"queue_name": QUEUE, "workflow_name": "nothing"}
UNFINISHED: Final = ["PENDING", "ENQUEUED"]
_started: queue.SimpleQueue[float] = queue.SimpleQueue()


@DBOS.workflow(name="nothing")
async def nothing() -> None:
    """The job."""
    _started.put(time.perf_counter())


class Dbos:
    """An executor for a no-op workflow."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql:", "postgresql+psycopg:")
        DBOS(
            config={
                "name": "bench",
                "system_database_url": url,
                "executor_id": uuid.uuid4().hex,
                "log_level": "ERROR",
            }
        )

    def drain(self, jobs: int) -> float:
        """Work until the queue is empty; timed from the first job, which waits for the first poll."""
        DBOS.migrate(self._url)
        self._fill(jobs)
        self._launch()
        first = _started.get(timeout=PATIENCE)
        for _ in range(jobs - 1):
            _started.get(timeout=PATIENCE)
        while DBOS.list_workflows(status=UNFINISHED, limit=1, load_input=False):
            time.sleep(0.01)
        taken = time.perf_counter() - first
        DBOS.destroy()
        return taken

    def _fill(self, jobs: int) -> None:
        client = DBOSClient(system_database_url=self._url)
        engine = sa.create_engine(self._url)
        with engine.begin() as connection:
            for _ in range(jobs):
                client.enqueue_in_transaction(connection, JOB)
        engine.dispose()
        client.destroy()

    def _launch(self) -> None:
        DBOS.launch()
        DBOS.register_queue(QUEUE)

    def pickups(self, times: int) -> list[float]:
        """Enqueue one workflow after the other."""
        self._launch()
        client = DBOSClient(system_database_url=self._url)
        took = []
        for _ in range(times):
            time.sleep(pause())
            began = time.perf_counter()
            client.enqueue(JOB)
            took.append((_started.get(timeout=PATIENCE) - began) * 1000)
        client.destroy()
        DBOS.destroy()
        return took

    def idle(self, ready: Callable[[], None], end: threading.Event) -> None:
        """An executor that waits."""
        self._launch()
        ready()
        end.wait()
        DBOS.destroy()


if __name__ == "__main__":
    run_worker(Dbos)
