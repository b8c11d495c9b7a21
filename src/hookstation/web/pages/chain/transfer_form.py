"""The form of a transfer: from where, which rows and columns, in which form, to where, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hookstation.core.documents.transfer import TRANSFER
from hookstation.core.documents.transfer_ends import SOURCE_CONNECTIONS, TARGET_CONNECTIONS
from hookstation.core.fieldlist import Setting
from hookstation.core.values import JSON
from hookstation.web.pages.chain.forming import FormOf
from hookstation.web.pages.forms import Form
from hookstation.web.services import Services

_FOR: Final = {"csv": "CSV", "tsv": "TSV", "pipe": "pipe", "json": "JSON", "ndjson": "NDJSON", "xml": "XML"}
"""How the help of an option names the formats that it is for."""


def of_format(name: str, options: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """The options that mean something for a format: the others are for other ones, as their help says."""
    others = [word for kind, word in _FOR.items() if kind != name]

    def fits(one: Setting) -> bool:
        said = one.help.partition(":")[0]
        return _FOR[name] in said.replace(",", " ").split() or not any(word in said for word in others)

    return tuple(one for one in options if fits(one))


def _formats(setting: Setting) -> Setting:
    return replace(
        setting, variants={name: of_format(name, options) for name, options in setting.variants.items()}
    )


_SETTINGS: Final = tuple(_formats(one) if one.name == "format" else one for one in TRANSFER)


def more(services: Services, _before: Mapping[str, JSON], _form: Form | None) -> dict[str, object]:
    """What the form shows besides the settings."""
    return {"panels": sorted(services.board.panels)}


FITS: Final = {
    **{f"source.{kind}.connection": types for kind, types in SOURCE_CONNECTIONS.items()},
    **{f"destination.{kind}.connection": types for kind, types in TARGET_CONNECTIONS.items()},
    "alerts.connection": frozenset({"smtp"}),
}
FORM: Final = FormOf("transfer", _SETTINGS, "chain/transfer_form.html", more, fits=FITS)
PAGES: Final = FORM.pages()
