"""Parts of a station, each made of what it needs."""

from __future__ import annotations

import random
from functools import partial

from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.adapters.schema_trial import ProcessSchemaTrial
from hookstation.adapters.sender import HttpSender
from hookstation.adapters.vault import AesVault
from hookstation.config.settings import StationSettings
from hookstation.connectors import CATALOGUE, build_connector
from hookstation.connectors.outside import Outside
from hookstation.connectors.records import RecordsConnector
from hookstation.core.batches import ITEMS
from hookstation.engine import replay_many
from hookstation.engine.board import Board
from hookstation.engine.checks import Checks
from hookstation.engine.configure import Configurator
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.sending import Sending, sending_of
from hookstation.engine.prune import RetentionRule
from hookstation.engine.replay_many import ReplayMany
from hookstation.engine.runs import Runs
from hookstation.engine.sign_in import Lifetime
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.targets import Targets
from hookstation.engine.worker import Worker
from hookstation.engine.workflows.desk import RunDesk
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store
from hookstation.web.app import Front
from hookstation.web.hooks import HookLane
from hookstation.web.rest import Rest
from hookstation.web.senders import Senders
from hookstation.web.services import Services


def configuring_of(
    store: Store,
    vault: AesVault,
    outside: Outside,
    targets: Targets,
    switchboard: Switchboard,
    clock: SystemClock,
    identifiers: SystemIdentifiers,
) -> tuple[Board, Configurator]:
    """What is live, and what changes it."""
    build = partial(build_connector, outside=outside)
    board = Board(store, vault, CATALOGUE, build, RecordsConnector, targets, switchboard, clock)
    checks = Checks(ProcessSchemaTrial(), build, RecordsConnector)
    return board, Configurator(store, board, checks, targets, CATALOGUE, vault, clock, identifiers)


def front_of(settings: StationSettings, services: Services, desk: RunDesk) -> tuple[Front, HookLane]:
    """What serves: the lane, and everything else behind it."""
    senders = Senders(settings.trusted_proxies) if settings.trusted_proxies else None
    runs, takes = Runs(services.store), services.takes_calls
    lane = HookLane(services.ingest, runs, senders=senders, takes_calls=takes, waits=desk)
    return Front(lane, Rest(services), senders), lane


def sending_side(  # noqa: PLR0913 - what the sending side needs
    settings: StationSettings,
    store: Store,
    board: Board,
    vault: AesVault,
    membership: Membership,
    lookout: Lookout,
    sender: HttpSender,
    clock: SystemClock,
    identifiers: SystemIdentifiers,
    event_log: EventLog,
) -> Sending:
    """The sending side, with identifiers of its own for what is made in the store's thread."""
    return sending_of(
        store,
        board,
        vault,
        membership,
        lookout,
        sender,
        clock,
        identifiers,
        SystemIdentifiers(clock),
        random.random,
        event_log,
        alone=not settings.database.url,
    )


def replays_of(store: Store, membership: Membership, clock: SystemClock, many: ReplayMany) -> Worker:
    """What replays many events."""
    return Worker(
        store,
        membership,
        clock,
        ITEMS,
        many,
        at_once=replay_many.AT_ONCE,
        lease_seconds=replay_many.LEASE,
        look_every=replay_many.LOOK_EVERY,
    )


def lifetime_of(settings: StationSettings) -> Lifetime:
    """How long sessions last."""
    return Lifetime(settings.session_hours * 3_600, settings.session_idle_minutes * 60)


def retention_of(settings: StationSettings) -> RetentionRule:
    """What is kept for how long."""
    return RetentionRule(
        settings.retention_days,
        settings.retention_rejected_days,
        settings.retention_rejected_count,
        settings.retention_bytes,
        settings.retention_delivery_days,
    )
