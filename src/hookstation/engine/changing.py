"""What changing a webhook needs, put together."""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.engine.backtest import BackTests
from hookstation.engine.drafts import Drafts
from hookstation.engine.history import History
from hookstation.engine.listen import Captures
from hookstation.engine.send_once import SendOnce


@dataclass(frozen=True, slots=True)
class Changing:
    """The use cases behind the wizard and behind changes of a live webhook."""

    drafts: Drafts
    history: History
    back_tests: BackTests
    captures: Captures
    send_once: SendOnce
