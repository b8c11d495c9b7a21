"""The form of a transfer: from where, which rows and columns, in which form, to where, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.documents.transfer import TRANSFER
from hookstation.core.values import JSON
from hookstation.web.pages.chain.forming import FormOf
from hookstation.web.pages.forms import Form
from hookstation.web.services import Services


def more(services: Services, _before: Mapping[str, JSON], _form: Form | None) -> dict[str, object]:
    """What the form shows besides the settings."""
    return {"panels": sorted(services.board.panels)}


FORM: Final = FormOf("transfer", TRANSFER, "chain/transfer_form.html", more)
PAGES: Final = FORM.pages()
