"""Where a database is: reading its URL, and showing it without its password."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

MASK: Final = "********"
SQLITE: Final = "sqlite:///"
POSTGRES: Final = ("postgresql://", "postgres://")
SHAPE: Final = "postgresql://USER:PASSWORD@HOST:PORT/NAME"
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
VERIFYING: Final = ("verify-ca", "verify-full")
"""The values of `sslmode` under which the server has to prove who it is (libpq, 34.19)."""
SESSIONS: Final = ("any", "primary", "standby", "read-write", "read-only", "prefer-standby")
"""The values of `target_session_attrs` (libpq, 34.1.2)."""

_PASSWORD: Final = re.compile(r"^([^:]*:/*[^/@:]*:).*@", re.DOTALL)


def is_postgres(url: str) -> bool:
    """Whether the URL is PostgreSQL's."""
    return url.startswith(POSTGRES)


def masked(url: str) -> str:
    """The URL for people: its password is masked, wherever it stands, also where the URL cannot be read."""
    place, mark, query = url.partition("?")
    shown = "&".join(_masked_parameter(one) for one in query.split("&"))
    return _PASSWORD.sub(rf"\1{MASK}@", place + mark + shown)


def without_password(url: str) -> str:
    """The URL of PostgreSQL, one that can be read, for other programs to be started with: they ask for the password."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    kept = {name: value for name, value in _parameters(parts).items() if "password" not in name}
    netloc = user.partition(":")[0] + at + hosts
    return parts._replace(netloc=netloc, query=urlencode(kept)).geturl()


def _masked_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={MASK}" if equals and "password" in unquote(name).lower() else parameter


def problem_of(url: str) -> str:
    """What is wrong with a database's URL, and what to do; empty where nothing is. It never holds the URL itself."""
    if url.startswith(SQLITE):
        return (
            ""
            if url != SQLITE
            else f"names no file: say {SQLITE}PATH, with four slashes where PATH is absolute."
        )
    if not is_postgres(url):
        return (
            f"must be {SQLITE}PATH for SQLite or {SHAPE} for PostgreSQL; empty is SQLite in the data folder."
        )
    try:
        parts = urlsplit(url)
        parameters = _parameters(parts)
    except ValueError as failure:
        return (
            f"cannot be read ({failure}): say {SHAPE}, with % codes for special characters of the password."
        )
    if parts.netloc.count("@") > 1 or "@" in parts.path:
        return "has more than one @: write those in the password as %40, and / : ? # as %2F %3A %3F %23."
    return _host_problem(parts, parameters) or _parameter_problem(parameters)


def _parameters(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))


def _host_problem(parts: SplitResult, parameters: dict[str, str]) -> str:
    hosts = parts.netloc.rpartition("@")[2]
    if not hosts and not parameters.get("host"):
        return f"names no host: say {SHAPE}, or ?host=/FOLDER for a socket."
    for one in hosts.split(",") if hosts else ():
        host, colon, port = one.rpartition(":") if not one.endswith("]") else (one, "", "")
        if colon and not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65_536):
            return "has a port that is none: it must be a number from 1 to 65535."
        if not (host if colon else one):
            return "names a port without a host: say HOST:PORT, several with commas."
    if not parts.path.strip("/") and not parameters.get("dbname") and not parameters.get("database"):
        return f"names no database: say {SHAPE}."
    return ""


def _parameter_problem(parameters: dict[str, str]) -> str:
    for name, allowed in (("sslmode", SSL_MODES), ("target_session_attrs", SESSIONS)):
        if name in parameters and parameters[name] not in allowed:
            return f"has a {name} that is not known: it must be one of {', '.join(allowed)}."
    return ""


def verifies(url: str) -> bool:
    """Whether the server has to prove who it is."""
    return _parameters(urlsplit(url)).get("sslmode") in VERIFYING


def has_standbys(url: str) -> bool:
    """Whether the URL names several servers."""
    parts = urlsplit(url)
    return "," in parts.netloc.rpartition("@")[2] or "," in _parameters(parts).get("host", "")


def with_parameters(url: str, **more: str) -> str:
    """The URL with these parameters, where it does not have them and they are not empty."""
    parts = urlsplit(url)
    found = _parameters(parts)
    added = {name: value for name, value in more.items() if value and name not in found}
    if not added:
        return url
    return parts._replace(query=urlencode({**found, **added})).geturl()
