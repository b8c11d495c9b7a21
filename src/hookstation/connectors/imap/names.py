"""Names of mailboxes on the wire: modified UTF-7 in quotes (RFC 3501, sections 5.1.3 and 4.3)."""

from __future__ import annotations

import base64
import re
from typing import Final

from hookstation.errors import Terminal

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
FOREIGN: Final = re.compile(r"[^\x20-\x7e]+")


def wire_name(folder: str) -> str:
    """The folder's name as it stands in a command. Raises `Terminal` for what no name has."""
    if not folder or CONTROL.search(folder):
        raise Terminal("The folder of the mailbox is empty or holds a control character; INBOX is usual.")
    escaped = folder.replace("&", "&-")
    ascii_only = FOREIGN.sub(lambda found: f"&{_base64(found[0])}-", escaped)
    quoted = ascii_only.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
