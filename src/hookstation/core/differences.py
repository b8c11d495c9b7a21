"""Where two JSON documents differ, with both values: what a person reads before taking one for the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hookstation.core.values import JSON, PathPart


class Verb(StrEnum):
    """What became of a place."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place that differs. `before` is ``None`` where it was added, `after` where it was removed."""

    path: tuple[PathPart, ...]
    verb: Verb
    before: JSON = None
    after: JSON = None

    def as_json(self) -> dict[str, JSON]:
        """The shape that the API shows."""
        return {
            "path": ".".join(str(part) for part in self.path),
            "change": self.verb.value,
            "before": self.before,
            "after": self.after,
        }


def differences(before: JSON, after: JSON, path: tuple[PathPart, ...] = ()) -> Iterator[Difference]:
    """Every place at which two documents differ, as deep as it can be told; the order of members counts for nothing.

    Lists of another length differ by position up to the shorter one, and what is beyond it was added or removed.
    """
    left, right = _members(before), _members(after)
    if left is not None and right is not None and type(before) is type(after):
        for name in [*left, *(name for name in right if name not in left)]:
            place = (*path, name)
            if name not in left:
                yield Difference(place, Verb.ADDED, after=right[name])
            elif name not in right:
                yield Difference(place, Verb.REMOVED, before=left[name])
            else:
                yield from differences(left[name], right[name], place)
    elif type(before) is not type(after) or before != after:
        yield Difference(path, Verb.CHANGED, before, after)


def _members(document: JSON) -> dict[PathPart, JSON] | None:
    """What stands in an object by name, and in a list by position; ``None`` for what has no members."""
    if isinstance(document, dict):
        return dict(document.items())
    return dict(enumerate(document)) if isinstance(document, list) else None
