"""A tree written as XML 1.0: ``@name`` members are attributes, ``#text`` is text, a list repeats its element.

Values never become markup: what XML gives a meaning is escaped, what it cannot carry is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON, kind_of
from hookstation.errors import MappingFailed, Problem

HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
TEXT: Final = "#text"

_NAME: Final = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]*:)?[A-Za-z_][A-Za-z0-9_.-]*")
"""A qualified name (Namespaces in XML 1.0, section 4) of ASCII letters, which every parser takes."""
LONGEST_NAME: Final = 200
_XMLNS: Final = "@xmlns:"
_OUTSIDE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no `Char` of XML 1.0, section 2.2: it cannot be written, not even escaped."""
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTES: Final = _ESCAPES | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def root_problem(content: JSON) -> Problem | None:
    """What is wrong with the shape and the names of a tree before its templates are known, or ``None``."""
    if not isinstance(content, dict) or len(content) != 1:
        return Problem((), "must be an object whose one member is the root: {order: {id: $$id$$}}.")
    root, inner = next(iter(content.items()))
    if root.startswith(("@", "#")) or isinstance(inner, list):
        return Problem((root,), "the root is one element; attributes, text and lists stand inside it.")
    return next(_problems(content, frozenset()), None)


def _problems(content: JSON, declared: frozenset[str]) -> Iterator[Problem]:
    if isinstance(content, list):
        for index, one in enumerate(content):
            wrong = (
                [Problem((), "a list inside a list has no name; name it.")]
                if isinstance(one, list)
                else _problems(one, declared)
            )
            yield from (problem.under(index) for problem in wrong)
    for name, one in content.items() if isinstance(content, dict) else ():
        known = declared | _prefixes(content if name.startswith("@") else one)
        if name != TEXT and (refused := _name_refused(name, known)):
            yield Problem((name,), refused)
        elif name.startswith(("@", "#")) and isinstance(one, dict | list):
            yield Problem((name,), "must be a single value.")
        else:
            yield from (problem.under(name) for problem in _problems(one, known))


def _prefixes(content: JSON) -> frozenset[str]:
    """The prefixes that the attributes of an element declare, for itself and what is inside it."""
    names = content if isinstance(content, dict) else ()
    return frozenset(name.removeprefix(_XMLNS) for name in names if name.startswith(_XMLNS))


def _name_refused(name: str, declared: frozenset[str]) -> str:
    bare = name.removeprefix("@")
    if len(bare) > LONGEST_NAME or not _NAME.fullmatch(bare):
        return f"“{name[:60]}” is not a name in XML: letters, digits, “_”, “-” and “.”, beginning with a letter or “_”."
    if bare.lower().startswith("xml") and not name.startswith(("@xmlns", "@xml:")):
        return f"“{name[:60]}”: names that begin with “xml” belong to XML itself; choose another."
    if name.lower().startswith("@xmlns:xml"):
        return f"“{name[:60]}”: prefixes that begin with “xml” belong to XML itself; choose another."
    prefix = bare.partition(":")[0] if ":" in bare else ""
    if prefix not in declared | {"", "xml", "xmlns"}:
        return f"“{name[:60]}”: the prefix “{prefix}” is declared nowhere around it; add the attribute @xmlns:{prefix}."
    return ""


def write_xml(tree: JSON) -> str:
    """The document of a tree with one member. Raises `MappingFailed` naming the element that cannot be written."""
    if not isinstance(tree, dict) or len(tree) != 1:
        raise MappingFailed("body", "the root is missing in this payload, and a document has exactly one.")
    root, content = next(iter(tree.items()))
    if isinstance(content, list):
        raise MappingFailed(root, "is an array in this payload, but a document has one root.")
    pieces = [HEAD]
    _element(root, content, pieces, root, frozenset())
    return "".join(pieces)


def _element(name: str, content: JSON, pieces: list[str], place: str, declared: frozenset[str]) -> None:
    if isinstance(content, list):
        for one in content:
            if isinstance(one, list):
                raise MappingFailed(place, "holds an array in an array, which has no name.")
            _element(name, one, pieces, place, declared)
        return
    declared |= _prefixes(content)
    if refused := _name_refused(name, declared):
        raise MappingFailed(place, refused)
    pieces.append(f"<{name}")
    if not isinstance(content, dict):
        _close(name, _escaped(content, place), pieces)
        return
    _attributes(content, pieces, place, declared)
    inner: list[str] = []
    for member, one in content.items():
        if member == TEXT:
            inner.append(_escaped(one, f"{place}.{member}"))
        elif not member.startswith("@"):
            _element(member, one, inner, f"{place}.{member}", declared)
    _close(name, "".join(inner), pieces)


def _attributes(content: dict[str, JSON], pieces: list[str], place: str, declared: frozenset[str]) -> None:
    for member, one in content.items():
        if member.startswith("@"):
            if refused := _name_refused(member, declared):
                raise MappingFailed(f"{place}.{member}", refused)
            if member.startswith(_XMLNS) and one in ("", None):
                raise MappingFailed(
                    f"{place}.{member}", "is empty, but a prefix stands for a name of its own."
                )
            pieces.append(f' {member[1:]}="{_escaped(one, f"{place}.{member}", attribute=True)}"')


def _close(name: str, inner: str, pieces: list[str]) -> None:
    pieces.append(f">{inner}</{name}>" if inner else "/>")


def _escaped(value: JSON, place: str, *, attribute: bool = False) -> str:
    if isinstance(value, dict | list):
        raise MappingFailed(place, f"must be a single value, but is {kind_of(value)}.")
    text = text_of(value)
    if _OUTSIDE.search(text):
        raise MappingFailed(
            place, "holds a control character that XML cannot carry; take it out with a filter."
        )
    return text.translate(_IN_ATTRIBUTES if attribute else _ESCAPES)
