"""From a template and what it shows to an answer.

Templates lie in ``templates/``; what stands in them is escaped. A *part* of a page is a Jinja block that holds one
element whose id is the block's name: a partial update asks for the page and gets that block alone.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hookstation.web import forgery
from hookstation.web.browsers import get_cookie
from hookstation.web.pages import filters
from hookstation.web.pages.assets import load_bundle

if TYPE_CHECKING:
    from jinja2 import Environment

THEME: Final = "theme"
THEMES: Final = ("auto", "light", "dark")
WORTH_COMPRESSING: Final = 1_000
LEVEL: Final = 5
_CHANGING_FORM: Final = re.compile(r'<form\b[^>]*\smethod="post"[^>]*>')


async def page(
    request: Request, template: str, context: Mapping[str, object], status: int = 200, part: str = ""
) -> Response:
    """The answer that shows `template`; only its block `part` where a partial update asks for that element."""
    wanted = part if part and request.headers.get("hx-target", "").rpartition("#")[2] == part else ""
    secret: str = getattr(request.state, "secret", "")
    shown = {
        **context,
        "request": request,
        "theme": theme_of(request),
        "visitor": getattr(request.state, "visitor", None),
        "csrf": forgery.issue(secret) if secret else "",
    }
    zips = "gzip" in request.headers.get("accept-encoding", "")
    body = await asyncio.to_thread(_render, template, shown, wanted, zips)
    headers = {"Vary": "HX-Target, Accept-Encoding, Cookie"}
    if body[:2] == b"\x1f\x8b":
        headers["Content-Encoding"] = "gzip"
    return Response(body, status, headers, "text/html")


PIECES: Final = "<!--pieces-->"
"""Where the pieces of a streamed page go."""


async def streamed(
    request: Request, template: str, context: Mapping[str, object], pieces: AsyncIterator[str]
) -> Response:
    """A page that is shown from its beginning on while `pieces` (HTML made by `piece`) are still being made."""
    whole = await page(request, template, {**context, "streams": True})
    body = gzip.decompress(whole.body) if "content-encoding" in whole.headers else bytes(whole.body)
    head, _, tail = body.decode().partition(PIECES)

    async def parts() -> AsyncIterator[str]:
        yield head
        async for one in pieces:
            yield one
        yield tail

    return StreamingResponse(parts(), whole.status_code, {"Vary": whole.headers["vary"]}, "text/html")


def piece(template: str, macro: str, **context: object) -> str:
    """What a macro of a template makes: a piece of a page."""
    return str(getattr(environment().get_template(template).module, macro)(**context))


def theme_of(request: Request) -> str:
    """The side of the look that this browser was told to take."""
    chosen = get_cookie(request, THEME)
    return chosen if chosen in THEMES else THEMES[0]


def _render(template: str, context: dict[str, Any], part: str, zips: bool) -> bytes:
    """The page's bytes, compressed where that is worth it. Runs in a thread: calls are not to wait for it."""
    text = environment().get_template(template).render({**context, "part": part})
    body = _with_tokens(text, context["csrf"]).encode()
    return gzip.compress(body, LEVEL) if zips and len(body) > WORTH_COMPRESSING else body


def _with_tokens(text: str, token: str) -> str:
    """Every form that changes something with the field that proves where it is from: none can be forgotten.

    What a page shows is escaped, so that only our own templates can hold a ``<form``.
    """
    field = f'<input type="hidden" name="{forgery.FIELD}" value="{token}">'
    return _CHANGING_FORM.sub(lambda found: found[0] + field, text) if token else text


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
        asset=bundle.url, bundled=bool(bundle.files), release=version("hookstation"), themes=THEMES
    )
    made.filters.update(filters.FILTERS)
    return made
