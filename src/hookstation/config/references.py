"""Secrets by reference: ``${env:NAME}`` and ``${file:PATH}``, resolved here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn

from hookstation.config.nodes import Node, to_json
from hookstation.core.documents.connection import Catalogue
from hookstation.core.documents.places import Steps, at, put, secret_paths, unknown_connections
from hookstation.core.documents.secrets import REFERENCE
from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON, kind_of
from hookstation.errors import Invalid, Problem

LARGEST_SECRET: Final = 16_384
STARTS: Final = ("${env:", "${file:")
WHOLE: Final = "${env:NAME} or ${file:PATH} must be the whole value"
SCHEMA_DEPTH: Final = 3


def resolve_references(
    root: Node, catalogue: Catalogue, environment: Mapping[str, str], literal_secrets: bool
) -> tuple[JSON, dict[str, str], list[Problem]]:
    """The document of `root` with its secrets in place, the references by JSON pointer, and what is wrong."""
    references: dict[str, str] = {}
    problems: list[Problem] = []
    document, resolved = to_json(root), to_json(root)
    secrets = list(secret_paths(document, catalogue))
    for path in secrets:
        try:
            written = _text_at(document, path)
            put(resolved, path, _resolve(written, _folder(root, path), environment, literal_secrets))
        except Invalid as refusal:
            problems += [problem.under(*path) for problem in refusal.problems]
        else:
            references |= {Problem(path, "").pointer: written} if REFERENCE.fullmatch(written) else {}
    problems += _misplaced(document, (), {*secrets, *unknown_connections(document, catalogue)})
    return resolved, references, problems


def opened(written: str, environment: Mapping[str, str]) -> str:
    """What a reference in an option names, relative to the working folder; anything else as it is. Raises `Invalid`."""
    return _resolve(written, Path(), environment, literal_secrets=True)


def _refuse(message: str) -> NoReturn:
    raise Invalid([Problem((), message)])


def _text_at(document: JSON, path: Steps) -> str:
    value = at(document, path)
    if not isinstance(value, str):
        _refuse(f"must be text, but is {kind_of(value)}; put it in quotes or name it as ${{env:NAME}}.")
    return value


def _folder(root: Node, path: Steps) -> Path:
    """The folder of the file in which the value is written."""
    node = root
    for part in path:
        match node.value, part:
            case dict() as members, str():
                node = members[part].node
            case list() as items, int():
                node = items[part]
    return Path(node.source.folder)


def _resolve(written: str, folder: Path, environment: Mapping[str, str], literal_secrets: bool) -> str:
    found = REFERENCE.fullmatch(written)
    if found and found[1] == "env":
        return _from_environment(found[2], environment)
    if found:
        return _from_file(folder / found[2])
    if any(start in written for start in STARTS):
        _refuse(f"{WHOLE} of a secret; nothing may stand around it.")
    if not literal_secrets:
        _refuse(
            "is a secret that stands in the file; name it as ${env:NAME} or ${file:PATH} instead, "
            "or allow it with --allow-literal-secrets."
        )
    return written


def _from_environment(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if value is None:
        _refuse(f"the environment variable {name} is not set; set it.{did_you_mean(name, environment)}")
    if not value:
        _refuse(f"the environment variable {name} is empty; set it to the secret.")
    return value


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_SECRET + 1)
        text = data.decode("utf-8")
    except OSError as error:
        _refuse(f"the secret's file {path} cannot be read: {error.strerror}.")
    except ValueError:
        _refuse(f"the secret's file {path} is not UTF-8 text.")
    if len(data) > LARGEST_SECRET:
        _refuse(f"the secret's file {path} is larger than {LARGEST_SECRET:,} bytes.")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        _refuse(f"the secret's file {path} is empty; write the secret into it.")
    return text


def _misplaced(node: JSON, path: Steps, excepted: set[Steps]) -> Iterator[Problem]:
    """References where no secret stands. A schema is data of its own, and is passed over."""
    if path in excepted or (len(path) == SCHEMA_DEPTH and path[0] == "webhooks" and path[2] == "schema"):
        return
    if isinstance(node, str) and any(start in node for start in STARTS):
        yield Problem(
            path, f"holds a reference, but this is not a secret setting; {WHOLE} of a secret setting."
        )
    for part, one in node.items() if isinstance(node, dict) else ():
        yield from _misplaced(one, (*path, part), excepted)
    for index, one in enumerate(node) if isinstance(node, list) else ():
        yield from _misplaced(one, (*path, index), excepted)
