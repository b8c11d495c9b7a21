"""What a connection of the type ``folder`` needs, and the connector made of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from hookstation.connectors.filetree import TreeFiles
from hookstation.connectors.folder.tree import open_folder
from hookstation.connectors.outside import Outside, local_place
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.errors import Invalid, Problem

SPEC: Final = (
    Setting(
        "path",
        Kind.TEXT,
        required=True,
        help="The folder, as an absolute path. It must lie below one that whoever runs the station allows in its"
        " setting `folders`.",
        example="/srv/exchange/members",
    ),
)


def build(connection: Connection, outside: Outside) -> TreeFiles:
    """The connector of a decoded connection. Raises `Invalid` where the station may not use the folder."""
    path = Values(connection.settings).text("path")
    refused = local_place(path, outside)
    if refused:
        raise Invalid([Problem(("path",), refused)])
    allowed = tuple(folder.resolve() for folder in outside.folders)
    return TreeFiles(connection.name, "a folder", partial(open_folder, Path(path), allowed))
