"""Settings of a station: option, else environment, else ``hookstation.toml`` in the data folder, else the default."""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hookstation.core.access import AddressList
from hookstation.core.values import JSON, Secret
from hookstation.errors import Invalid, Problem

PREFIX: Final = "HOOKSTATION_"
FILE: Final = "hookstation.toml"


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting. `kind`: text, path, secret, integer or list (of texts, comma-separated outside the file)."""

    name: str
    kind: str
    default: str
    help: str
    least: int = 0
    most: int = 0

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


SETTINGS: Final = (
    SettingSpec("data", "path", "./hookstation-data", "The data folder."),
    SettingSpec(
        "database_url",
        "text",
        "",
        "The database; empty is SQLite in the data folder. PostgreSQL comes with a later version.",
    ),
    SettingSpec("host", "text", "127.0.0.1", "The address to listen on."),
    SettingSpec("port", "integer", "8080", "The port to listen on; 0 picks a free one.", 0, 65_535),
    SettingSpec("public_url", "text", "", "How the outside reaches this station; empty: its own address."),
    SettingSpec(
        "master_key",
        "secret",
        "",
        "Base64 of 32 bytes that secrets are sealed under; empty: the file master.key in the data folder, made at "
        "the first start.",
    ),
    SettingSpec("tls_cert", "text", "", "Certificate file (PEM) for HTTPS."),
    SettingSpec("tls_key", "text", "", "Key file (PEM) for HTTPS."),
    SettingSpec(
        "trusted_proxies",
        "list",
        "",
        "Addresses or networks of proxies whose X-Forwarded-For header is believed: the sender is the right-most "
        "address in it that is none of them.",
    ),
    SettingSpec(
        "retention_days", "integer", "365", "How long settled events stay; 0 is for ever.", 0, 36_500
    ),
    SettingSpec(
        "retention_rejected_days", "integer", "30", "How long rejected calls stay; 0 is for ever.", 0, 36_500
    ),
    SettingSpec(
        "retention_rejected_count",
        "integer",
        "100000",
        "Most rejected calls that stay; 0 is no limit.",
        0,
        1_000_000_000,
    ),
    SettingSpec(
        "retention_bytes",
        "integer",
        "0",
        "Most bytes of bodies that stay, oldest go first; 0 is no limit.",
        0,
        1 << 50,
    ),
    SettingSpec(
        "most_in_flight",
        "integer",
        "2000",
        "Most calls at work at once, those whose body is still coming among them; more get 503 with Retry-After.",
        1,
        100_000,
    ),
    SettingSpec(
        "most_body_bytes",
        "integer",
        "268435456",
        "Most bytes of bodies held at once over all connections; a body that finds no room gets 503 with Retry-After.",
        1 << 20,
        1 << 40,
    ),
    SettingSpec(
        "most_connections",
        "integer",
        "10000",
        "Most open connections; one more gets 503 and is closed. Keep it below the process's limit of open files.",
        10,
        1_000_000,
    ),
    SettingSpec("log_level", "text", "info", "Least severe log line: debug, info, warning or error."),
)
BY_NAME: Final = {spec.name: spec for spec in SETTINGS}
MASK: Final = "********"
_PASSWORD: Final = re.compile(r"(://[^/@:]*:).*@")
WHOLE_NUMBER: Final = re.compile(r"\s*-?[0-9]{1,18}\s*")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting's value and where it came from (``option``, ``environment``, ``file``, ``default``).

    `problem` is empty where the value can be used.
    """

    spec: SettingSpec
    text: str
    source: str
    problem: str = ""

    def shown(self) -> JSON:
        """For people: a secret is masked."""
        if self.spec.kind == "secret":
            return MASK if self.text else ""
        if self.spec.name == "database_url":
            return _PASSWORD.sub(rf"\1{MASK}@", self.text)
        if self.spec.kind == "integer" and not self.problem:
            return int(self.text)
        return self.text


@dataclass(frozen=True, slots=True)
class StationSettings:
    """The settings, ready to use."""

    data: Path
    database_url: str
    host: str
    port: int
    public_url: str
    master_key: Secret | None
    tls_cert: str
    tls_key: str
    trusted_proxies: tuple[str, ...]
    retention_days: int
    retention_rejected_days: int
    retention_rejected_count: int
    retention_bytes: int
    most_in_flight: int
    most_body_bytes: int
    most_connections: int
    log_level: str


def effective(options: Mapping[str, str | None], environment: Mapping[str, str]) -> list[Effective]:
    """Every setting with its source; what is broken carries its problem, so that it can be shown too."""
    chosen = _choose(BY_NAME["data"], options, environment, {})
    table, broken = _read_file(Path(chosen.text) / FILE)
    found = [_choose(spec, options, environment, table) for spec in SETTINGS]
    if broken:
        found[0] = Effective(found[0].spec, found[0].text, found[0].source, broken)
    return found


def resolve(options: Mapping[str, str | None], environment: Mapping[str, str]) -> StationSettings:
    """The settings to run with. Raises `Invalid` with everything that is wrong with them."""
    found = effective(options, environment)
    problems = [Problem((one.spec.name,), one.problem) for one in found if one.problem]
    if problems:
        raise Invalid(problems)
    text = {one.spec.name: one.text for one in found}
    number = {name: int(text[name]) for name, spec in BY_NAME.items() if spec.kind == "integer"}
    return StationSettings(
        data=Path(text["data"]),
        database_url=text["database_url"],
        host=text["host"],
        public_url=text["public_url"].rstrip("/"),
        master_key=Secret(text["master_key"]) if text["master_key"] else None,
        tls_cert=text["tls_cert"],
        tls_key=text["tls_key"],
        trusted_proxies=_listed(text["trusted_proxies"]),
        log_level=text["log_level"],
        port=number["port"],
        retention_days=number["retention_days"],
        retention_rejected_days=number["retention_rejected_days"],
        retention_rejected_count=number["retention_rejected_count"],
        retention_bytes=number["retention_bytes"],
        most_in_flight=number["most_in_flight"],
        most_body_bytes=number["most_body_bytes"],
        most_connections=number["most_connections"],
    )


def _choose(
    spec: SettingSpec,
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    table: Mapping[str, object],
) -> Effective:
    option = options.get(spec.name)
    if option is not None:
        return _checked(spec, option, "option")
    if spec.variable in environment:
        return _checked(spec, environment[spec.variable], "environment")
    if spec.name in table:
        value = table[spec.name]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        return _checked(spec, text, "file")
    return _checked(spec, spec.default, "default")


def _checked(spec: SettingSpec, text: str, source: str) -> Effective:
    return Effective(spec, text, source, _problem(spec, text))


def _problem(spec: SettingSpec, text: str) -> str:
    if spec.kind == "integer":
        if WHOLE_NUMBER.fullmatch(text) is None:
            return f"must be a whole number, but is “{text[:40]}”."
        if not spec.least <= int(text) <= spec.most:
            return f"must be from {spec.least} to {spec.most}, but is {int(text)}."
    if spec.name == "host" and not text.strip():
        return "must be an address: 127.0.0.1 for this machine only, 0.0.0.0 or :: for all that reach it."
    if spec.name == "master_key" and text and not _is_key(text):
        return "must be base64 of 32 bytes: make one with openssl rand -base64 32."
    if spec.name == "trusted_proxies" and (wrong := _no_networks(_listed(text))):
        return wrong
    if spec.name == "log_level" and text not in LOG_LEVELS:
        return f"must be one of {', '.join(LOG_LEVELS)}, but is “{text[:40]}”."
    if spec.name == "public_url" and text and not text.startswith(("http://", "https://")):
        return "must begin with http:// or https://."
    if spec.name == "database_url" and text and not text.startswith("sqlite:///"):
        return "this version keeps its data in SQLite: leave it empty, or say sqlite:///PATH."
    return ""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _no_networks(texts: tuple[str, ...]) -> str:
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


def _read_file(path: Path) -> tuple[Mapping[str, object], str]:
    """The settings of the file, and what is wrong with it; no file is no settings."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        return {}, f"{path} cannot be read: {failure}"
    unknown = sorted(name for name in table if name not in BY_NAME or name == "data")
    if unknown:
        known = ", ".join(name for name in BY_NAME if name != "data")
        return table, f"{path}: “{unknown[0]}” is not a setting of this file; known are {known}."
    return table, ""
