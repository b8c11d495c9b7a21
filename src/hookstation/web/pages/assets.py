"""The bundle of scripts and styles: found by the names of its sources, served to be kept for ever."""

from __future__ import annotations

import json
import mimetypes
import re
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

ROOT: Final = "/static/"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
"""Ways in which each file lies there compressed, the smallest first."""

REFUSED: Final = re.compile(r";q=0(\.0*)?$")
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the build made. `entries`: file by the name of its source; `files`: all that may be asked for.

    Where nothing was built both are empty: pages then work, without looks.
    """

    folder: Traversable
    entries: dict[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()

    def url(self, source: str) -> str:
        """Where the file made from `source` is served; empty where there is none."""
        return ROOT + self.entries[source] if source in self.entries else ""

    async def serve(self, request: Request) -> Response:
        """One file, compressed as the browser likes it."""
        name: str = request.path_params["name"]
        if name not in self.files:
            raise HTTPException(404)
        suffix = "." + name.rpartition(".")[2]
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        encoding, ending = _best(request.headers.get("accept-encoding", ""))
        if encoding:
            headers["Content-Encoding"] = encoding
        try:
            content = self.folder.joinpath(name + ending).read_bytes()
        except FileNotFoundError as replaced:  # a newer version was installed under a station that runs
            raise HTTPException(404) from replaced
        media_type = TYPES.get(suffix) or mimetypes.guess_type(name)[0]
        return Response(content, headers=headers, media_type=media_type)


def load_bundle(folder: Traversable | None = None) -> Bundle:
    """The bundle that lies in the package, or in `folder`."""
    place = folder or files("hookstation.web").joinpath("static")
    try:
        manifest = json.loads(place.joinpath("manifest.json").read_text())
    except FileNotFoundError:
        return Bundle(place)
    return Bundle(place, manifest["entries"], frozenset(manifest["files"]))


def _best(accepted: str) -> tuple[str, str]:
    words = [re.sub(r"\s", "", word) for word in accepted.lower().split(",")]
    taken = {word.partition(";")[0] for word in words if not REFUSED.search(word)}
    return next(((name, ending) for name, ending in ENCODINGS if name in taken), ("", ""))
