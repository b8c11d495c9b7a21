"""What a station needs of PostgreSQL: version, schema, key, clock, durability, connections, pooler, replica."""

from __future__ import annotations

from typing import Final

from hookstation.adapters.store.postgres.checkup import LISTENERS, Checkup, check_up, lag_of
from hookstation.adapters.store.postgres.migrations import OLDEST_SERVER
from hookstation.adapters.vault import AesVault, read_key
from hookstation.config.settings import StationSettings
from hookstation.errors import HookstationError
from hookstation.wiring.opening import FINGERPRINT, NO_KEY, access_of

CLOCK_SECONDS: Final = 30.0
"""A clock that is further away lets signatures with a time seem old or new: they are checked to 300 s."""

LAG_SECONDS: Final = 60.0
"""A replica that is further behind is not worth reading."""

Finding = tuple[str, bool, str]


async def examine(settings: StationSettings) -> tuple[list[Finding], bool]:
    """Every finding, and whether the database may be opened without making or changing anything of it."""
    try:
        told = await check_up(access_of(settings), FINGERPRINT)
    except HookstationError as failure:
        return [("database", False, failure.message)], False
    found = judge(settings, told)
    if settings.database.replica_url:
        found.append(await _replica(settings))
    is_ready = told.schema == told.newest and bool(told.fingerprint)
    return found, is_ready and all(well for what, well, _ in found if what in {"server", "master key"})


def judge(settings: StationSettings, told: Checkup) -> list[Finding]:
    """What a server says of itself, held against what a station needs."""
    return [
        _server(settings, told),
        _schema(told),
        _key(settings, told),
        _clock(told),
        _commit(settings, told),
        _connections(settings, told),
        _pooler(settings, told),
    ]


def _server(settings: StationSettings, told: Checkup) -> Finding:
    named = f"{settings.database.shown} is PostgreSQL {told.version}"
    if told.major < OLDEST_SERVER:
        return "server", False, f"{named}: install {OLDEST_SERVER} or newer"
    if told.encoding != "UTF8":
        return "server", False, f"{named} with texts as {told.encoding}: make a database with ENCODING 'UTF8'"
    if told.standby:
        return "server", False, f"{named}, a standby that takes no writes: name the primary in the URL"
    return "server", True, named


def _schema(told: Checkup) -> Finding:
    if told.schema > told.newest:
        message = (
            f"the database has {told.schema}, this program knows {told.newest}: install the newer version"
        )
        return "schema", False, message
    if told.schema < told.newest:
        message = f"{told.schema}; the first start, or hookstation migrate, brings it to {told.newest}"
        return "schema", True, message
    return "schema", True, str(told.schema)


def _key(settings: StationSettings, told: Checkup) -> Finding:
    if settings.master_key is None:
        known = f" The one that this database was sealed under has the fingerprint {told.fingerprint}."
        return "master key", False, NO_KEY + (known if told.fingerprint else "")
    ours = AesVault(read_key(settings.master_key.reveal())).fingerprint
    if told.fingerprint and told.fingerprint != ours:
        message = (
            f"has the fingerprint {ours}, but the database was sealed under {told.fingerprint}: give that one"
        )
        return "master key", False, message
    kept = "as the database has it" if told.fingerprint else "which the first start keeps in the database"
    return "master key", True, f"fingerprint {ours}, {kept}; keep a copy apart from the backups"


def _clock(told: Checkup) -> Finding:
    away = f"the database's is {abs(told.ahead):.1f} s {'ahead' if told.ahead > 0 else 'behind'}"
    if abs(told.ahead) > CLOCK_SECONDS:
        return (
            "clock",
            False,
            f"{away}: set both by NTP; leases go by the database's, signatures by this machine's",
        )
    return "clock", True, away


def _commit(settings: StationSettings, told: Checkup) -> Finding:
    if not told.safe:
        message = "the server has fsync or full_page_writes off, and loses acknowledged events in a crash: set both on"
        return "durability", False, message
    chosen = settings.database.synchronous_commit
    if not told.standbys:
        waits = "its own disk; it has no synchronous standby"
    elif chosen == "local":
        waits = "its own disk only, though it has synchronous standbys"
    else:
        waits = "its standbys too"
    return (
        "durability",
        True,
        f"synchronous_commit is {chosen} in every transaction; the server waits for {waits}",
    )


def _connections(settings: StationSettings, told: Checkup) -> Finding:
    database = settings.database
    each, nodes = database.pool + database.flushers + LISTENERS, max(told.nodes, 1)
    room = f"the server has room for {told.connections}"
    if told.pooler:
        return "connections", True, f"{each} a node, to the pooler; {room}"
    needed = f"{each} a node, {nodes} node{'' if nodes == 1 else 's'} now; {room}"
    if each * nodes > told.connections:
        return "connections", False, f"{needed}: raise max_connections, or lower database_pool"
    return "connections", True, f"{needed}, that is {told.connections // each} nodes like this one"


def _pooler(settings: StationSettings, told: Checkup) -> Finding:
    said = settings.database.pooler
    if told.pooler == "transaction" and said == "none":
        return "pooler", False, "one in transaction mode stands between: set database_pooler to transaction"
    if told.pooler == "unsure" and said == "none":
        message = "one stands between: if it is not in session mode, set database_pooler to transaction"
        return "pooler", True, message
    if not told.pooler and said == "transaction":
        message = "none is seen: with database_pooler none, changes of other nodes would be heard of sooner"
        return "pooler", True, message
    return "pooler", True, "in transaction mode, as set" if told.pooler else "none"


async def _replica(settings: StationSettings) -> Finding:
    try:
        lag = await lag_of(access_of(settings), settings.database.replica_url)
    except HookstationError as failure:
        return "replica", False, f"{failure.message} The primary serves the lists meanwhile."
    if lag is None:
        return "replica", False, "is no standby: name one in database_replica_url, or leave that empty"
    if lag > LAG_SECONDS:
        return "replica", False, f"is {lag:.0f} s behind: see its log and the network, or leave it out"
    return "replica", True, f"{lag:.1f} s behind"
