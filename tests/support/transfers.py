"""A station that works on transfers in this process, and a database of members that they are about."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

from hookstation.adapters.log import JsonLog
from hookstation.config.settings import resolve
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Run
from hookstation.wiring.station import Seat, Station, open_station

PATIENCE: Final = 60.0
SOURCE: Final[JSON] = {"type": "sql", "connection": "crm", "table": "members"}
NAMES: Final = ("Ann", "Bo, Jr.", 'Cy "the" Third', "Dé")


def fill(file: Path, count: int) -> None:
    """A database of so many members; their ids begin at 1."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE members (ID INTEGER PRIMARY KEY, Name TEXT, Since TEXT, Fee NUMERIC)")
        database.executemany("INSERT INTO members VALUES (?, ?, ?, ?)", map(member, range(1, count + 1)))


def member(number: int) -> tuple[int, str, str, float]:
    """One row."""
    return number, NAMES[number % len(NAMES)], f"20{number % 26:02}-01-15", number / 4


def change(file: Path, statement: str) -> None:
    """Change the members."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


def crm(file: Path) -> JSON:
    """The connection to the database."""
    return {"name": "crm", "type": "sql", "engine": "sqlite", "file": str(file)}


def folder(path: Path) -> JSON:
    """A connection to a folder of this machine, which is made."""
    path.mkdir(exist_ok=True)
    return {"name": "out", "type": "folder", "path": str(path)}


def transfer(**settings: Any) -> dict[str, Any]:
    """The document of a transfer of the members into a file, three at a time."""
    return {
        "name": "members",
        "source": SOURCE,
        "destination": {"type": "files", "connection": "out", "path": "members.csv"},
        "chunk": 3,
        **settings,
    }


@asynccontextmanager
async def moving(
    place: Path, *documents: Mapping[str, JSON], connections: list[JSON] | None = None, url: str = ""
) -> AsyncIterator[Station]:
    """A station at work that may use what lies in `place`, with these transfers. `url`: of its database."""
    options = {"data": str(place / "station"), "role": "all", "folders": str(place), "database_url": url}
    key = {"HOOKSTATION_MASTER_KEY": b64encode(bytes(32)).decode()}
    settings = resolve({name: one for name, one in options.items() if one}, key)
    async with open_station(settings, JsonLog(), "http://station", "", Seat("all", "http://node")) as made:
        await made.start()
        await put(made, *documents, connections=connections)
        yield made


async def put(station: Station, *documents: Mapping[str, JSON], **more: Any) -> None:
    """Set these transfers up."""
    wanted = {"version": 1, "transfers": [*documents], **{name: one for name, one in more.items() if one}}
    planned = await station.services.configurator.apply(wanted)
    assert [] == planned.errors


async def run(station: Station, name: str = "members", input_: JSON = None) -> Run:
    """Run a transfer to its end."""
    return await station.services.chain.transfers.run(name, "test", input_, wait=PATIENCE)


def csv(*numbers: int) -> bytes:
    """The file of these members."""
    lines = ["ID,Name,Since,Fee"]
    for number in numbers:
        _, name, since, fee = member(number)
        quoted = '"' + name.replace('"', '""') + '"' if set(name) & set(',"') else name
        lines.append(f"{number},{quoted},{since},{fee:g}")
    return "".join(f"{line}\r\n" for line in lines).encode()
