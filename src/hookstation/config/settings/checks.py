"""What is wrong with a setting's text, alone and beside the others; every sentence says what is allowed."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hookstation.config.settings.databases import VERIFYING, is_postgres, problem_of, verifies
from hookstation.config.settings.specs import SettingSpec
from hookstation.core.access import AddressList
from hookstation.errors import Invalid

WHOLE_NUMBER: Final = re.compile(r"\s*-?[0-9]{1,18}\s*")
NEEDS_POSTGRES: Final = "which needs a database_url that begins with postgresql://"


def problem(spec: SettingSpec, text: str) -> str:
    """What is wrong with one setting, empty where nothing is."""
    if spec.kind == "integer":
        return _number_problem(spec, text)
    if spec.kind == "choice":
        return _choice_problem(spec, text)
    if spec.kind == "database":
        return _database_problem(spec, text)
    if spec.name == "host" and not text.strip():
        return "must be an address: 127.0.0.1 for this machine only, 0.0.0.0 or :: for all that reach it."
    if spec.name == "master_key" and text and not _is_key(text):
        return "must be base64 of 32 bytes: make one with openssl rand -base64 32."
    if spec.name == "folders" and not all(Path(one).is_absolute() for one in listed(text)):
        return "must be absolute paths with commas between, such as /srv/exchange,/srv/members."
    if spec.name == "trusted_proxies":
        return _network_problem(listed(text))
    if spec.name == "public_url" and text and not text.startswith(("http://", "https://")):
        return "must begin with http:// or https://."
    return ""


def problem_beside(name: str, texts: Mapping[str, str]) -> str:
    """What is wrong with a setting beside the others, each of which can be used by itself."""
    text, url = texts[name], texts["database_url"]
    if name == "database_replica_url" and text and not is_postgres(url):
        return f"is a replica of PostgreSQL, {NEEDS_POSTGRES}."
    if name == "role" and text != "all" and not is_postgres(url):
        return f"“{text}” is for several nodes on one database, {NEEDS_POSTGRES}; on SQLite one process does all."
    if name == "database_tls_ca" and text:
        if not is_postgres(url):
            return f"is for the way to PostgreSQL, {NEEDS_POSTGRES}."
        if not all(verifies(one) for one in (url, texts["database_replica_url"]) if one):
            modes = " or ".join(f"sslmode={mode}" for mode in reversed(VERIFYING))
            return f"is not looked at unless the database's URL says {modes}: add it there."
    return ""


def listed(text: str) -> tuple[str, ...]:
    """The parts of a list."""
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _number_problem(spec: SettingSpec, text: str) -> str:
    if WHOLE_NUMBER.fullmatch(text) is None:
        return f"must be a whole number, but is “{text[:40]}”."
    if not spec.least <= int(text) <= spec.most:
        return f"must be from {spec.least} to {spec.most}, but is {int(text)}."
    return ""


def _choice_problem(spec: SettingSpec, text: str) -> str:
    allowed = f"must be one of {', '.join(spec.choices)}"
    if spec.name == "database_synchronous_commit" and text == "off":
        return (
            f"{allowed}: with off the database says that a commit is done before it is, so that a crash could lose an "
            "event that was acknowledged."
        )
    return "" if text in spec.choices else f"{allowed}, but is “{text[:40]}”."


def _database_problem(spec: SettingSpec, text: str) -> str:
    if not text:
        return ""
    if spec.name == "database_replica_url" and not is_postgres(text):
        return "must begin with postgresql://: only PostgreSQL has replicas."
    return problem_of(text)


def _network_problem(texts: tuple[str, ...]) -> str:
    """What is wrong with the first of these that is no address or network."""
    try:
        AddressList(texts)
    except Invalid as invalid:
        return invalid.problems[0].message
    return ""


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.strip(), validate=True)) == 32
    except ValueError:
        return False
