"""A target elsewhere whose calls a test can wait for, and a node that dies in one."""

from __future__ import annotations

import asyncio

from hookstation.core.records import EntitySpec, Record
from hookstation.ports.connector import Written
from hookstation.testing.connector import ScriptedConnector
from tests.support.running import Bench, step

UNMARKED = step("send", "insert_activity", connection="far", fields={"ID": "1", "ActivityType": "TEST"})


class Calling(ScriptedConnector):
    """Says when it is called."""

    def __init__(self, settle_after: float = 1.0) -> None:
        super().__init__("far", settle_after)
        self.called = asyncio.Event()

    async def execute(self, record: Record, spec: EntitySpec) -> Written:
        """The next scripted end."""
        self.called.set()
        return await super().execute(record, spec)


async def dies_in_its_call(made: Bench, target: Calling) -> None:
    """The node ends while the target works on its call."""
    await made.lookout.look()
    await made.work.worker.take()
    await target.called.wait()
    assert 1 == await made.work.worker.drain(0)
    await made.store.leave(made.node_id)
