"""What holds for the whole station: its address, its configuration's revision, the settings of this process."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.web.api.routes import Operation, reply
from hookstation.web.services import Services


async def show_settings(_request: Request, services: Services) -> Response:
    """The settings that the process which answers was started with, secrets masked, and where each came from."""
    return reply(
        {
            "address": services.base_url,
            "revision": services.board.stored.revision,
            "items": [
                {"name": one.name, "value": one.value, "source": one.source, "help": one.help}
                for one in services.settings
            ],
        }
    )


OPERATIONS: Final = (
    Operation("GET", "/settings", show_settings, "Show the settings of the process that answers", "Settings"),
)
