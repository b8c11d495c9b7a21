"""The same three steps by DBOS, as its documentation makes them: two steps, and the insert in a transaction step.

``python -m benchmarks.jobs.runs_dbos URL drain RUNS``.  Its own tables and the records lie in one database, as it asks
for so that the rows of a step and its end are one commit.
"""

from __future__ import annotations

import asyncio
import queue
import time
import uuid
from typing import Final, cast

import jsonschema_rs
import sqlalchemy as sa
from dbos import DBOS, AsyncSQLAlchemyDatasource, DBOSClient, EnqueueOptions

from benchmarks.jobs.side import PATIENCE, run
from benchmarks.jobs.steps import NAME, PAYLOAD, SCHEMA

QUEUE: Final = "bench"
JOB: Final[EnqueueOptions] = {"queue_name": QUEUE, "workflow_name": NAME}
UNFINISHED: Final = ["PENDING", "ENQUEUED"]
TABLE: Final = "CREATE TABLE courses (id text, ordinal bigserial, fields jsonb, PRIMARY KEY (id, ordinal))"
INSERT: Final = sa.text(
    "INSERT INTO courses (id, fields) VALUES (:id, CAST(:fields AS jsonb)) RETURNING ordinal"
)
COUNT: Final = sa.text("SELECT count(*) FROM courses")

_schema: Final = jsonschema_rs.validator_for(SCHEMA)
_records: list[AsyncSQLAlchemyDatasource] = []
_started: queue.SimpleQueue[float] = queue.SimpleQueue()


@DBOS.step()
async def check(payload: dict[str, str]) -> list[str]:
    """Validate the payload."""
    _schema.validate(payload)
    return []


@DBOS.step()
async def to_record(payload: dict[str, str]) -> dict[str, str]:
    """Map it."""
    return {
        "title": f"{payload['course']} ({payload['grade']})",
        "member": payload["memberId"],
        "done": payload["completedAt"],
    }


async def insert(found: dict[str, str]) -> str:
    """Write the record, in the transaction that holds the step's end."""
    session = _records[0].sql_session()
    fields = f'{{"Course": "{found["title"]}", "Note": "{found["done"]}"}}'
    ordinal = (await session.execute(INSERT, {"id": found["member"], "fields": fields})).scalar_one()
    return f"{found['member']}|{ordinal}"


@DBOS.workflow(name=NAME)
async def enrol(payload: dict[str, str]) -> str:
    """The three steps."""
    _started.put(time.perf_counter())
    await check(payload)
    found = await to_record(payload)
    return await _records[0].run_tx_step_async(None, insert, found)


class Dbos:
    """An executor for these workflows."""

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

    def drain(self, runs: int) -> float:
        """Work until all are done; timed from the first one, which waits for the first poll."""
        DBOS.migrate(self._url)
        engine = sa.create_engine(self._url)
        self._fill(engine, runs)
        _records.append(asyncio.run(AsyncSQLAlchemyDatasource.create(self._url)))
        DBOS.launch()
        DBOS.register_queue(QUEUE)
        first = _started.get(timeout=PATIENCE)
        for _ in range(runs - 1):
            _started.get(timeout=PATIENCE)
        while DBOS.list_workflows(status=UNFINISHED, limit=1, load_input=False):
            time.sleep(0.01)
        taken = time.perf_counter() - first
        with engine.connect() as connection:
            assert runs == cast("int", connection.execute(COUNT).scalar_one())
        engine.dispose()
        DBOS.destroy()
        return taken

    def _fill(self, engine: sa.Engine, runs: int) -> None:
        client = DBOSClient(system_database_url=self._url)
        with engine.begin() as connection:
            connection.execute(sa.text(TABLE))
            for _ in range(runs):
                client.enqueue_in_transaction(connection, JOB, PAYLOAD)
        client.destroy()


if __name__ == "__main__":
    run(Dbos)
