"""Notations of other suites, written as Liquid: ``x.format("…")``, ``x | join(",")`` and ``$$x$$`` inside code."""

from __future__ import annotations

import re
from typing import Final

from hookstation.core.template.lexing import mistake, read_property
from hookstation.core.template.paths import Path
from hookstation.errors import Invalid

_STRING: Final = r"\"[^\"]*+\"|'[^']*+'"
_CODE: Final = re.compile(r"\$\$|\{\{|\{%-?+\s*+(?:raw|comment)\b|\{%")
_ENDS: Final = {"raw": re.compile(r"\{%-?+\s*+endraw\b"), "comment": re.compile(r"\{%-?+\s*+endcomment\b")}
_CLOSED: Final = {
    "{{": re.compile(rf"(?:[^\"'}}]|{_STRING}|\}}(?!\}}))*+"),
    "{%": re.compile(rf"(?:[^\"'%]|{_STRING}|%(?!\}}))*+"),
}
_CALL: Final = re.compile(
    rf"(?P<text>{_STRING})|(?P<dot>\s*+\.\s*+)format\s*+\((?P<format>(?:[^()\"']|{_STRING})*+)\)"
    rf"|\|\s*+(?P<name>\w++)\s*+\((?P<args>(?:[^()\"']|{_STRING})*+)\)"
)
_DOLLARS: Final = re.compile(rf"(?P<text>{_STRING})|\$\$")


def rewrite(source: str) -> str:
    """`source` with filter calls written as Liquid filters; what stands outside ``{{ }}`` and ``{% %}`` is untouched.

    ``{{ x.format("yyyy-MM-dd") }}`` and ``{{ x | format("yyyy-MM-dd") }}`` become ``{{ x | format: "yyyy-MM-dd" }}``.
    A webhook is saved rewritten; doing it twice changes nothing.
    """
    if "(" not in source:
        return source
    pieces: list[str] = []
    at = 0
    while found := _CODE.search(source, at):
        opening, start = found[0], found.end()
        pieces.append(source[at:start])
        at = start
        if opening == "$$":
            at = _past_property(source, start)
            pieces.append(source[start:at])
        elif opening in _CLOSED:
            code = _CLOSED[opening].match(source, start)
            at = code.end() if code else start
            pieces.append(_CALL.sub(_as_filter, source[start:at]))
        else:
            end = _ENDS["raw" if opening.endswith("raw") else "comment"].search(source, start)
            at = end.start() if end else len(source)
            pieces.append(source[start:at])
            if end:
                pieces.append(end[0])
                at = end.end()
    return "".join(pieces) + source[at:]


def _past_property(source: str, start: int) -> int:
    if source.startswith("$$", start):
        return start + 2
    try:
        return read_property(source, start - 2)[1]
    except Invalid:
        return start


def _as_filter(found: re.Match[str]) -> str:
    if found["text"]:
        return found[0]
    if found["dot"]:
        return f" | format: {found['format'].strip()}"
    arguments = found["args"].strip()
    return f"| {found['name']}: {arguments}" if arguments else f"| {found['name']}"


def with_paths(expression: str, position: int) -> str:
    """`expression` with each ``$$path$$`` as a Liquid path. Raises `Invalid` where Liquid cannot write it."""
    if "$$" not in expression:
        return expression
    pieces: list[str] = []
    at = 0
    while found := _DOLLARS.search(expression, at):
        pieces.append(expression[at : found.start()])
        if found["text"]:
            pieces.append(found[0])
            at = found.end()
            continue
        path, at = read_property(expression, found.start())
        pieces.append(_liquid_path(path, position + found.start()))
    return "".join(pieces) + expression[at:]


def _liquid_path(path: Path, position: int) -> str:
    text = ""
    for index, part in enumerate(path):
        if isinstance(part, int) and index:
            text += f"[{part}]"
            continue
        name = str(part)
        quote = '"' if '"' not in name else "'"
        if quote in name:
            raise mistake(
                "Inside “{{ }}” and “{% %}” a name may not have both kinds of quotation marks.", position
            )
        text += f"[{quote}{name}{quote}]"
    return text
