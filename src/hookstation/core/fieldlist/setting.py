"""The description of one setting: decoding, docs, JSON Schema and forms all read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, cast

from hookstation.core.rates import Rate
from hookstation.core.values import JSON, Number, Secret


class Kind(StrEnum):
    """What a setting holds, in a document → once decoded."""

    TEXT = "text"
    """Text → ``str``."""
    NAME = "name"
    """Letters, digits, ``_``, ``-`` and ``.``, up to 64 → ``str``."""
    URL = "url"
    """An absolute http or https address without user or fragment → ``str`` without a closing slash."""
    ENDPOINT = "endpoint"
    """An absolute http or https address, its query included, without user or fragment → ``str`` as written."""
    SECRET = "secret"  # noqa: S105 - the word for the kind, not a password
    """What the `SecretCodec` reads → `Secret`."""
    INTEGER = "integer"
    """A whole number → ``int``."""
    DURATION = "duration"
    """``25s``, ``5m``, ``7d``, or seconds → ``int`` seconds; `Number` where they are not whole."""
    DURATIONS = "durations"
    """A list of durations → ``list`` of ``int`` or `Number`."""
    SIZE = "size"
    """``1MiB``, ``500KB``, or bytes → ``int`` bytes."""
    RATE = "rate"
    """``100/s``, ``1000/min``, ``10/h`` → `Rate`."""
    BOOLEAN = "boolean"
    """``true`` or ``false`` → ``bool``."""
    CHOICE = "choice"
    """One of `choices` → ``str``."""
    NETWORKS = "networks"
    """A list of networks in CIDR form, or addresses → ``list`` of ``str`` in canonical CIDR form."""
    PORTS = "ports"
    """A list of TCP ports → ``list`` of ``int``."""
    ZONE = "zone"
    """An IANA time zone → ``str``."""
    HEADER = "header-name"
    """The name of an HTTP header → ``str`` as written."""
    LIST = "list"
    """A list of texts → ``list`` of ``str``."""
    MAPPING = "mapping"
    """Names to any JSON values → ``dict``."""
    JSON = "json"
    """Anything → as it is."""
    GROUP = "group"
    """An object with the settings `fields` → `Values`."""
    ENTRIES = "entries"
    """Names to objects with the settings `fields` → ``dict`` of `Values`."""
    GROUPS = "groups"
    """A list of objects with the settings `fields` → ``list`` of `Values`."""
    ONE_OF = "one of"
    """An object whose ``type`` chooses its settings among `variants` → `Values`, ``type`` included."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a document.

    `default` is written as a person would (``"25s"``); ``None`` means that the setting may be absent.
    `minimum` and `maximum` bound an integer, a duration (seconds; each one of several) or a size (bytes), the
    characters of a text and the number of members of a list, a mapping, groups or entries.
    `pattern` is a regular expression for the whole of a text, `pattern_words` says it for a person.
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    default: JSON = None
    help: str = ""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    pattern_words: str = ""
    fields: tuple[Setting, ...] = ()
    variants: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)
    example: JSON = None


class SecretReader(Protocol):
    """How secrets are read from one form of a document.

    `purpose` names the place (``connection/imis/password``): what was sealed for one cannot serve another.
    """

    def decode(self, value: JSON, purpose: str, /) -> Secret:
        """The secret. Raises `Invalid` or `SecretError` with a sentence for a person."""
        ...


class SecretWriter(Protocol):
    """How secrets are written into one form of a document; `purpose` as in `SecretReader`."""

    def encode(self, secret: Secret, purpose: str, /) -> JSON:
        """The form that goes into the document."""
        ...


class SecretCodec(SecretReader, SecretWriter, Protocol):
    """Both ways."""


class Values(Mapping[str, object]):
    """Decoded settings by name: those of the document, and the defaults of those that were left out.

    The typed readers are for settings whose kind is known; reading with the wrong one is our own mistake.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Values({self._values!r})"

    def text(self, name: str) -> str:
        """A text; empty where absent."""
        value = self._values.get(name, "")
        assert isinstance(value, str), name
        return value

    def integer(self, name: str) -> int:
        """A whole number (also a size)."""
        value = self._values[name]
        assert isinstance(value, int), name
        return value

    def optional_integer(self, name: str) -> int | None:
        """A whole number, or ``None`` where absent."""
        return self.integer(name) if name in self._values else None

    def seconds(self, name: str) -> float:
        """A duration in seconds."""
        value = self._values[name]
        assert isinstance(value, int | Number), name
        return float(value) if isinstance(value, int) else float(value.text)

    def flag(self, name: str) -> bool:
        """A boolean; false where absent."""
        return self._values.get(name, False) is True

    def secret(self, name: str) -> Secret:
        """A secret."""
        value = self._values[name]
        assert isinstance(value, Secret), name
        return value

    def rate(self, name: str) -> Rate | None:
        """A rate, or ``None`` where absent."""
        value = self._values.get(name)
        assert value is None or isinstance(value, Rate), name
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts or networks; empty where absent."""
        value = self._values.get(name, [])
        assert isinstance(value, list), name
        return tuple(value)

    def many_seconds(self, name: str) -> tuple[float, ...]:
        """A list of durations in seconds; empty where absent."""
        value = self._values.get(name, [])
        assert isinstance(value, list), name
        return tuple(float(str(one)) for one in value)

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers; empty where absent."""
        value = self._values.get(name, [])
        assert isinstance(value, list), name
        return tuple(value)

    def group(self, name: str) -> Values:
        """A group; empty where absent."""
        value = self._values.get(name)
        return value if isinstance(value, Values) else Values({})

    def groups(self, name: str) -> Sequence[Values]:
        """A list of groups; empty where absent."""
        value = self._values.get(name, [])
        assert isinstance(value, list), name
        return value

    def entries(self, name: str) -> Mapping[str, Values]:
        """Entries by name; empty where absent."""
        value = self._values.get(name, {})
        assert isinstance(value, dict), name
        return value

    def json(self, name: str) -> JSON:
        """A JSON value as it is; ``None`` where absent."""
        return cast("JSON", self._values.get(name))

    def mapping(self, name: str) -> Mapping[str, JSON]:
        """A mapping; empty where absent."""
        value = self._values.get(name, {})
        assert isinstance(value, dict), name
        return value
