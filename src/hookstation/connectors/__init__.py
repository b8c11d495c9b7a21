"""Target systems, a room each. A new one is a folder, its help text, its test, and its line in `ROOMS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.connectors import folder, ftps, http, imap, imis, s3, sftp, smtp, sql
from hookstation.connectors.outside import Outside
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Setting
from hookstation.ports.connector import Connector


@dataclass(frozen=True, slots=True)
class Room:
    """The door of a connector: the settings of its connections, and how one is made of a decoded connection."""

    spec: tuple[Setting, ...]
    build: Callable[[Connection, Outside], Connector]


ROOMS: Final[Mapping[str, Room]] = {
    "folder": Room(folder.SPEC, folder.build),
    "ftps": Room(ftps.SPEC, ftps.build),
    "http": Room(http.SPEC, http.build),
    "imap": Room(imap.SPEC, imap.build),
    "imis": Room(imis.SPEC, imis.build),
    "s3": Room(s3.SPEC, s3.build),
    "sftp": Room(sftp.SPEC, sftp.build),
    "smtp": Room(smtp.SPEC, smtp.build),
    "sql": Room(sql.SPEC, sql.build),
}
"""Every type of connection that can be defined."""

CATALOGUE: Final[Mapping[str, tuple[Setting, ...]]] = {name: room.spec for name, room in ROOMS.items()}
"""What decoding, docs and forms need to know of the types."""


def build_connector(connection: Connection, outside: Outside) -> Connector:
    """The connector of a decoded connection. Raises `Invalid` where its settings do not fit together."""
    return ROOMS[connection.type].build(connection, outside)
