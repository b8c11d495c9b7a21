"""By what an item is known again, where its poll says it by a template or leaves it to the source."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.polling.turns import Item
from hookstation.core.template import Scope, Template, compile_template
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.errors import MappingFailed

LONGEST: Final = 200
"""Characters of a key; of a longer one its digest stands."""


class Keys:
    """Makes the keys of one poll's items."""

    def __init__(self, template: str) -> None:
        """`template`: as the poll's definition has it, empty where the source says the key."""
        self._template: Template | None = compile_template(template) if template else None

    def item(self, value: JSON, usual: str = "") -> Item:
        """The item with its key. `usual`: what its source knows it by, empty where only its content tells.

        One in which the template finds nothing is known as its source knows it, and says that: it holds up no other.
        """
        key = flaw = ""
        if self._template is not None:
            try:
                key = text_of(self._template.evaluate(Scope(value)))
            except MappingFailed as failed:
                flaw = f"key: {failed.reason}"
            else:
                flaw = "" if key else "key: is empty for this item; name a property that every item has."
        key = key or usual or digest_of(value)
        return Item(key if len(key) <= LONGEST else sha256(key.encode()).hexdigest(), value, flaw)


def digest_of(value: JSON) -> str:
    """A digest of an item's content, whatever the order of its members."""
    return sha256(dump_json(_sorted(value)).encode()).hexdigest()


def _sorted(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value
