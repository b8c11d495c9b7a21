"""What every driver of the ports in `hookstation.ports.leases` has to pass.

Subclass `LeaseSuite` in a test module and give it a fixture `store` that yields an open store without jobs and nodes:

    class TestMyStore(LeaseSuite):
        @pytest.fixture
        async def store(self): ...

No case needs the time to be moved, nor sleeps: what has to be over is leased for no time, what must not come is an
hour away, and whoever has to be dead is asked to have beaten this instant.  So the cases hold for a store whose clock
is a server's.  One case lets half a second pass; the store's clock has to go on by itself.
The suite is part of `hookstation.testing.store_suite.StoreSuite`, which adds the jobs of events.
"""

from __future__ import annotations

from hookstation.testing.store_cases.histories import RandomCases
from hookstation.testing.store_cases.keyed import KeyedCases, TurnCases
from hookstation.testing.store_cases.lanes import LaneCases
from hookstation.testing.store_cases.leasing import LeaseCases, QueueCases
from hookstation.testing.store_cases.nodes import HintCases, NodeCases


class LeaseSuite(QueueCases, LeaseCases, LaneCases, KeyedCases, TurnCases, NodeCases, HintCases, RandomCases):
    """Every obligation of `hookstation.ports.leases`."""
