"""What the editor's script is answered."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON

_JSON: Final = "application/json"


def json_answer(value: JSON, status: int = 200) -> Response:
    """JSON, the digits of numbers as they came."""
    return Response(dump_json(value), status, media_type=_JSON)


def wants_json(request: Request) -> bool:
    """Whether a script asks, and no form that was sent without one."""
    return _JSON in request.headers.get("accept", "")
