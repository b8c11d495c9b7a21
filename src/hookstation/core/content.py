"""What a call says of its body: media type and coding."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_JSON_TYPE: Final = re.compile(
    r"(?:application/json|text/json|[a-z0-9!#$&^_.-]+/[a-z0-9!#$&^_.+-]*\+json)", re.ASCII
)
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\";\s]*)", re.ASCII)


@lru_cache(maxsize=256)
def is_json(content_type: str | None) -> bool:
    """Whether a body of this Content-Type is read as JSON: JSON types in UTF-8, or no type at all."""
    if not content_type:
        return True
    lowered = content_type.lower()
    if _JSON_TYPE.fullmatch(lowered.split(";", 1)[0].strip()) is None:
        return False
    charset = _CHARSET.search(lowered)
    return charset is None or charset[1] in {"utf-8", "utf8", "us-ascii"}


def compressed(content_encoding: str | None) -> bool:
    """Whether the body is under a Content-Encoding other than ``identity``."""
    return content_encoding is not None and content_encoding.strip().lower() not in {"", "identity"}
