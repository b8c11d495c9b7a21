"""The use cases of an engine on its bench, as the API and the pages get them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hookstation.adapters.passwords import Argon2Passwords
from hookstation.config.texts import PersonTexts
from hookstation.engine.keys import Keys
from hookstation.engine.people import Users
from hookstation.engine.sign_in import SignIn
from hookstation.web.services import Services
from tests.support.engine import Engine

ADDRESS = "https://hooks.example.org"


def services_of(bench: Engine, **more: Any) -> Services:
    """Everything that `Services` wants; `more` takes the place of what is given here."""

    async def backup(path: Path) -> int:
        return len(str(path))

    passwords = Argon2Passwords()
    given: dict[str, Any] = {
        "clock": bench.clock,
        "store": bench.store,
        "board": bench.board,
        "configurator": bench.configurator,
        "dry_run": bench.dry_run,
        "replay": bench.replay,
        "remedies": bench.remedies,
        "keys": Keys(bench.store, bench.clock),
        "users": Users(bench.store, passwords, bench.clock, bench.log),
        "sign_in": SignIn(bench.store, passwords, bench.clock, bench.log),
        "targets": bench.targets,
        "ingest": bench.ingest,
        "changing": bench.changing,
        "counters": bench.counters,
        "outgoing": bench.outgoing,
        "chain": bench.chain(),
        "texts": PersonTexts(),
        "backup": backup,
        "base_url": ADDRESS,
    }
    return Services(**{**given, **more})
