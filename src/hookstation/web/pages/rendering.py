"""From a template and what it shows to an answer.

Templates lie in ``templates/``; what stands in them is escaped. A *part* of a page is a Jinja block that holds one
element whose id is the block's name: a partial update asks for the page and gets that block alone.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.web.pages import filters
from hookstation.web.pages.assets import load_bundle
from hookstation.web.pages.security import get_cookie

if TYPE_CHECKING:
    from jinja2 import Environment

THEME: Final = "theme"
THEMES: Final = ("auto", "light", "dark")
WORTH_COMPRESSING: Final = 1_000
LEVEL: Final = 5


async def page(
    request: Request, template: str, context: Mapping[str, object], status: int = 200, part: str = ""
) -> Response:
    """The answer that shows `template`; only its block `part` where a partial update asks for that element."""
    wanted = part if part and request.headers.get("hx-target", "").rpartition("#")[2] == part else ""
    shown = {**context, "request": request, "theme": theme_of(request)}
    zips = "gzip" in request.headers.get("accept-encoding", "")
    body = await asyncio.to_thread(_render, template, shown, wanted, zips)
    headers = {"Vary": "HX-Target, Accept-Encoding, Cookie"}
    if body[:2] == b"\x1f\x8b":
        headers["Content-Encoding"] = "gzip"
    return Response(body, status, headers, "text/html")


def theme_of(request: Request) -> str:
    """The side of the look that this browser was told to take."""
    chosen = get_cookie(request, THEME)
    return chosen if chosen in THEMES else THEMES[0]


def _render(template: str, context: dict[str, Any], part: str, zips: bool) -> bytes:
    """The page's bytes, compressed where that is worth it. Runs in a thread: calls are not to wait for it."""
    body = environment().get_template(template).render({**context, "part": part}).encode()
    return gzip.compress(body, LEVEL) if zips and len(body) > WORTH_COMPRESSING else body


@cache
def environment() -> Environment:
    """Jinja, strict about what is not there. Imported when the first page is asked for: a worker shows none."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("hookstation.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    bundle = load_bundle()
    made.globals.update(
        asset=bundle.url, bundled=bool(bundle.files), version=version("hookstation"), themes=THEMES
    )
    made.filters.update(filters.FILTERS)
    return made
