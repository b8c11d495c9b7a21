"""One or many config files into one document, with the place of everything kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hookstation.config.jsontext import read_json
from hookstation.config.nodes import Member, Node, Place, Source, fail, find, name_of
from hookstation.config.references import resolve_references
from hookstation.config.yamltext import read_yaml
from hookstation.core.documents.configuration import KINDS, TOP, VERSION
from hookstation.core.documents.connection import Catalogue
from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of one file."""


@dataclass(frozen=True, slots=True)
class ConfigBundle:
    """Config files, read and ready to be sent to the station.

    `document` has the secrets in place; `references` names, by JSON pointer, those that came by reference.
    """

    document: JSON = field(repr=False)
    references: Mapping[str, str]
    root: Node = field(repr=False)

    def locate(self, problem: Problem) -> str:
        """The problem as ``file:line:column: path: message``."""
        return f"{find(self.root, problem.path, problem.position)}: {problem}"


def read_files(
    paths: Sequence[Path],
    catalogue: Catalogue,
    environment: Mapping[str, str],
    *,
    literal_secrets: bool = False,
) -> ConfigBundle:
    """Read and merge config files, and resolve their references.

    `environment` is what ``${env:NAME}`` reads; `literal_secrets` allows secrets that stand in a file.
    Raises `Invalid`; each problem's text begins with its place.
    """
    documents = [one for path in paths for one in _read(path)]
    problems: list[Problem] = []
    merged = _merge(documents, problems)
    root = Node(documents[0].source, documents[0].place, merged) if documents else _nothing(paths)
    root = _with_schemas(root, problems)
    document, references, wrong = resolve_references(root, catalogue, environment, literal_secrets)
    bundle = ConfigBundle(document, references, root)
    problems += [Problem((), bundle.locate(problem)) for problem in wrong]
    if problems:
        raise Invalid(problems)
    return bundle


def _nothing(paths: Sequence[Path]) -> Node:
    names = ", ".join(str(path) for path in paths) or "no file"
    fail(names, "holds no configuration; begin with “version: 1”.")


def _read(path: Path) -> list[Node]:
    source = read_source(path, str(path))
    documents = [read_json(source)] if path.suffix.lower() == ".json" else read_yaml(source)
    return [one for one in documents if one.value is not None]


def read_source(path: Path, name: str) -> Source:
    """A text file within the size limit. Raises `Invalid` where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except IsADirectoryError:
        fail(name, "is a folder; name the files in it.")
    except OSError as error:
        fail(name, f"cannot be read: {error.strerror}.")
    if len(data) > LARGEST:
        fail(name, f"is larger than {LARGEST // 1024**2} MiB; split it into several files.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        fail(Place(name, before.count(b"\n") + 1, 1), "is not UTF-8 text; save the file as UTF-8.")
    return Source(name, str(path.parent), text)


def _merge(documents: Iterable[Node], problems: list[Problem]) -> dict[str, Member]:
    """The lists of all documents one behind the other; the same name twice is a problem with both places."""
    merged: dict[str, Member] = {}
    for document in documents:
        if not isinstance(document.value, dict):
            fail(
                document.place,
                "must begin with “version: 1” and hold lists such as connections and webhooks.",
            )
        _check_top(document, document.value, problems)
        for kind, member in document.value.items():
            _add(merged, kind, member)
    for kind in KINDS:
        if kind in merged:
            problems += _twice(kind, merged[kind].node)
    return merged


def _check_top(document: Node, members: Mapping[str, Member], problems: list[Problem]) -> None:
    for name, member in members.items():
        if name not in TOP:
            hint = did_you_mean(name, TOP)
            problems.append(
                Problem((), f"{member.key}: {name}: is not known here; known are {', '.join(TOP)}.{hint}")
            )
        elif name != "version" and not isinstance(member.node.value, list | None):
            message = f"{member.key}: {name}: must be a list; begin each with “- name: ...”."
            problems.append(Problem((), message))
    version = members.get("version")
    if version is None:
        problems.append(Problem((), f"{document.place}: “version” is missing; write “version: 1”."))
    elif version.node.value is True or version.node.value != VERSION:
        problems.append(Problem((), f"{version.key}: version: must be 1, the only version there is."))


def _add(merged: dict[str, Member], kind: str, member: Member) -> None:
    before = merged.get(kind)
    if before and isinstance(before.node.value, list) and isinstance(member.node.value, list):
        before.node.value.extend(member.node.value)
    elif isinstance(member.node.value, list):
        own = Node(member.node.source, member.node.place, list(member.node.value))
        merged[kind] = Member(member.key, own)
    elif before is None:
        merged[kind] = member


def _twice(kind: str, things: Node) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[str, Place] = {}
    for thing in things.value if isinstance(things.value, list) else ():
        name = name_of(thing)
        if name and first.setdefault(name.casefold(), thing.place) is not thing.place:
            message = (
                f"{kind}: “{name}” is defined twice, also at {first[name.casefold()]}; remove or rename one."
            )
            problems.append(Problem((), f"{thing.place}: {message}"))
    return problems


def _with_schemas(root: Node, problems: list[Problem]) -> Node:
    """The same with the ``schema_file`` of each webhook and poll read and put in as ``schema``."""
    members = dict(root.value) if isinstance(root.value, dict) else {}
    for kind in ("webhooks", "polls"):
        hooks = members.get(kind)
        if hooks is not None and isinstance(hooks.node.value, list):
            items = [_with_schema(one, problems) for one in hooks.node.value]
            members[kind] = Member(hooks.key, Node(hooks.node.source, hooks.node.place, items))
    return Node(root.source, root.place, members) if members else root


def _with_schema(webhook: Node, problems: list[Problem]) -> Node:
    members = webhook.value if isinstance(webhook.value, dict) else {}
    named = members.get("schema_file")
    if named is None:
        return webhook
    rest = {name: member for name, member in members.items() if name != "schema_file"}
    try:
        rest["schema"] = Member(named.key, _schema(named, members))
    except Invalid as refusal:
        problems += refusal.problems
    return Node(webhook.source, webhook.place, rest)


def _schema(named: Member, members: Mapping[str, Member]) -> Node:
    name = named.node.value
    if "schema" in members:
        fail(named.key, "schema_file: there is a “schema” as well; keep one of the two.")
    if not isinstance(name, str) or not name.strip():
        fail(named.key, "schema_file: must be the path of a JSON file, relative to this file.")
    path = Path(named.node.source.folder) / name
    if not path.is_file():
        fail(named.key, f"schema_file: there is no file {path}; the path is relative to this file.")
    return read_json(read_source(path, str(path)))
