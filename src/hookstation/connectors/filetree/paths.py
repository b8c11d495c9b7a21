"""Paths on other systems: relative to the connection's root, never above it, the same for every protocol."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from hookstation.errors import Terminal
from hookstation.ports.files import RemoteFile

LONGEST: Final = 1_000
"""Most bytes of a path in UTF-8: S3 takes 1,024 for a whole key."""

PART_SUFFIX: Final = ".hookstation-part"
"""How a file is called that is still being written; listings leave such names out."""

UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
"""Control characters end a command of FTP; a backslash parts folders on some servers and not on others."""


def clean(path: str) -> str:
    """The path in its plain form: parts joined by ``/``, none of them empty. Raises `Terminal` for what is no path."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if UNFIT.search(path):
        raise Terminal(
            "A path holds a control character or a backslash; write folders with “/” between them."
        )
    if ".." in parts:
        raise Terminal("A path must stay below the connection's root; write it without “..”.")
    plain = "/".join(parts)
    if len(plain.encode()) > LONGEST:
        raise Terminal(f"A path is {len(plain.encode()):,} bytes long; at most {LONGEST:,} are allowed.")
    return plain


def file_path(path: str) -> str:
    """The plain form of a path that has to name a file. Raises `Terminal` where it is empty or names a folder."""
    plain = clean(path)
    if not plain or path.endswith("/"):
        raise Terminal("A path must name a file, for instance members/export.csv; it names a folder.")
    return plain


def join(*parts: str) -> str:
    """Paths in plain form, put together."""
    return "/".join(part for part in parts if part)


def below(root: str, path: str) -> str:
    """A path as the system wants it; a root that begins with ``/`` is kept as it is."""
    return f"{root.rstrip('/')}/{path}" if root else path


def folder_of(path: str) -> str:
    """The folder that a plain path lies in; empty for the root."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last part of a plain path."""
    return path.rpartition("/")[2]


def part_path(path: str, token: str) -> str:
    """Where the file is written before it has its name."""
    return join(folder_of(path), f".{token}{PART_SUFFIX}")


def fits(name: str, pattern: str) -> bool:
    """Whether a file's name is of the pattern (``*`` any characters, ``?`` one) and no file that is being written."""
    return not name.endswith(PART_SUFFIX) and _compiled(pattern).fullmatch(name) is not None


def oldest(files: Iterable[RemoteFile], limit: int) -> list[RemoteFile]:
    """The first `limit` files by modification, then name."""
    return heapq.nsmallest(limit, files, key=lambda file: (file.modified_at, file.path))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # runs of stars are one star, so that a pattern takes linear time for each of them
    squeezed = re.sub(r"\*+", "*", pattern)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(char) or re.escape(char) for char in squeezed), re.DOTALL)
