"""Which version of the program a database is for."""

from __future__ import annotations

from hookstation.adapters.store import backup
from hookstation.adapters.store.migrations import known_number as sqlite_number
from hookstation.adapters.store.postgres.checkup import schema_at
from hookstation.adapters.store.postgres.migrations import known_number as postgres_number
from hookstation.config.settings import StationSettings
from hookstation.errors import Conflict
from hookstation.wiring.opening import access_of
from hookstation.wiring.places import database_name, database_path


async def schema_of(settings: StationSettings) -> int:
    """The number of the database's schema, 0 where there is none yet. Raises as the drivers do."""
    if settings.database.is_postgres:
        return await schema_at(access_of(settings))
    return backup.schema_of(database_path(settings))


def newest_schema(settings: StationSettings) -> int:
    """The number that this program brings a database to."""
    return postgres_number() if settings.database.is_postgres else sqlite_number()


async def refuse_older(settings: StationSettings) -> None:
    """A database is brought to this version when somebody means to, and not by a command in passing: nodes of the
    version before may work on it. Raises `Conflict`."""
    there, wanted = await schema_of(settings), newest_schema(settings)
    if 0 < there < wanted:
        raise Conflict(
            f"The database {database_name(settings)} is of an older version (schema {there}; this one works on "
            f"{wanted}), and commands do not change that in passing. Bring it here by `hookstation migrate`, or start "
            "the station. Nothing was changed."
        )
