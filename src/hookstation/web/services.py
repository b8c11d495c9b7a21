"""What the API and the pages may ask of the station."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from hookstation.core.shown import ShownSetting
from hookstation.engine.board import Board
from hookstation.engine.browsing import Browse
from hookstation.engine.chain.run_list import RunList
from hookstation.engine.chain.services import Chain
from hookstation.engine.changing import Changing
from hookstation.engine.configure import Configurator
from hookstation.engine.counters import Counters
from hookstation.engine.dashboard import Glance
from hookstation.engine.dryrun import DryRun
from hookstation.engine.ingest import Ingest
from hookstation.engine.keys import Keys
from hookstation.engine.listing import Listing
from hookstation.engine.outgoing.services import Outgoing
from hookstation.engine.outgoing.showing import Showing
from hookstation.engine.people import Users
from hookstation.engine.preview import Previews
from hookstation.engine.remedies import Remedies
from hookstation.engine.replay import Replay
from hookstation.engine.sign_in import SignIn
from hookstation.engine.switching import Switching
from hookstation.engine.targets import Targets
from hookstation.engine.trying import Trying
from hookstation.engine.waiting_room import WaitingRoom
from hookstation.engine.wizard import Wizard
from hookstation.ports.clock import Clock
from hookstation.ports.store import Store
from hookstation.ports.texts import DocumentTexts


@dataclass(slots=True)
class Services:
    """The use cases behind the API.

    `control_key` opens the control channel of this process with every right; empty where there is none.  `place`
    names the folder that this process holds, for its proof that it is the one that a command looks for.
    `base_url` is how the outside reaches the station.  `backup` writes a copy of the running database to a new file;
    `settings` are those of this process, for people.
    `master_key` is the file of the key that the copy needs, ``None`` where a setting gives the key.
    """

    clock: Clock
    store: Store
    board: Board
    configurator: Configurator
    dry_run: DryRun
    replay: Replay
    remedies: Remedies
    keys: Keys
    users: Users
    sign_in: SignIn
    targets: Targets
    ingest: Ingest
    changing: Changing
    counters: Counters
    outgoing: Outgoing
    chain: Chain
    texts: DocumentTexts
    backup: Callable[[Path], Awaitable[int]]
    base_url: str
    control_key: str = ""
    place: str = ""
    takes_calls: bool = True
    master_key: Path | None = None
    settings: tuple[ShownSetting, ...] = ()
    listing: Listing = field(init=False)
    glance: Glance = field(init=False)
    trying: Trying = field(init=False)
    browse: Browse = field(init=False)
    wizard: Wizard = field(init=False)
    previews: Previews = field(init=False)
    switching: Switching = field(init=False)
    showing: Showing = field(init=False)
    waiting_room: WaitingRoom = field(init=False)
    run_list: RunList = field(init=False)

    def __post_init__(self) -> None:
        self.listing = Listing(self.board)
        self.glance = Glance(self.store, self.clock)
        self.trying = Trying(self.configurator)
        self.browse = Browse(self.store)
        self.waiting_room = WaitingRoom(self.store)
        self.run_list = RunList(self.store, self.waiting_room)
        self.switching = Switching(self.board, self.configurator, self.changing)
        self.previews = Previews(self.targets, self.clock)
        self.showing = Showing(self.store, self.board, self.outgoing.live, self.clock)
        self.wizard = Wizard(self.board, self.targets, self.configurator.checks, self.previews)
