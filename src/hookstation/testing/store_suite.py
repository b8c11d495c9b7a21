"""What every driver of the Store port has to pass.

Subclass `StoreSuite` in a test module and give it a fixture `store` that yields an empty, open `Store`:

    class TestMyStore(StoreSuite):
        @pytest.fixture
        async def store(self): ...

The cases are plain ``async def test_...`` methods; nothing here needs pytest to be imported.
"""

from __future__ import annotations

from hookstation.testing.lease_suite import LeaseSuite
from hookstation.testing.run_suite import RunSuite
from hookstation.testing.store_cases.accepting import AcceptingCases, MarkCases
from hookstation.testing.store_cases.changing import EditorCases, VersionCases
from hookstation.testing.store_cases.configuring import SettingsCases
from hookstation.testing.store_cases.delivering import DeliveryCases, DeliveryRemedyCases
from hookstation.testing.store_cases.emitting import (
    DeliveryListCases,
    EmittingCases,
    OutgoingSettingsCases,
    QueuedCases,
)
from hookstation.testing.store_cases.event_jobs import EventJobCases
from hookstation.testing.store_cases.finishing import FinishingCases
from hookstation.testing.store_cases.holding import HoldingCases
from hookstation.testing.store_cases.listening import CaptureCases
from hookstation.testing.store_cases.reading import HistoryCases
from hookstation.testing.store_cases.recording import RecordingCases
from hookstation.testing.store_cases.searching import SearchCases
from hookstation.testing.store_cases.signing_in import PeopleCases, SessionCases
from hookstation.testing.store_cases.tallying import FindingCases, TallyCases


class StoreSuite(
    AcceptingCases,
    MarkCases,
    FinishingCases,
    EventJobCases,
    HoldingCases,
    RecordingCases,
    HistoryCases,
    SearchCases,
    SettingsCases,
    VersionCases,
    EditorCases,
    CaptureCases,
    PeopleCases,
    SessionCases,
    TallyCases,
    FindingCases,
    EmittingCases,
    DeliveryCases,
    DeliveryRemedyCases,
    DeliveryListCases,
    QueuedCases,
    OutgoingSettingsCases,
    RunSuite,
    LeaseSuite,
):
    """Every obligation of `hookstation.ports.store`."""
