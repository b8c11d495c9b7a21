"""How far a transfer is, as the entry of its step keeps it."""

from __future__ import annotations

from typing import Any

import msgspec

from hookstation.core.values import JSON, Number


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read and what was written up to some moment; whoever takes the transfer over goes on from there.

    `read`: rows of the source.  `rows`, `chunks` and `bytes`: what left, before it was packed or encrypted.  `of`: rows
    that the source has, 0 where that is not known.  `after`: JSON text of the key of the last row, empty where rows
    have none that they are ordered by; then `digest` is that of all rows up to here.  `within`: rows of the chunk begun
    that have left, and `sent` their digest.  `columns`: those of the file that is being written.  `path` and `mark`:
    that file, and how it goes on; all is `whole` when nothing of it is missing but its name.  `back`: a call was begun
    that leads here, and this is where one stood before it.
    """

    read: int = 0
    rows: int = 0
    chunks: int = 0
    bytes: int = 0
    of: int = 0
    after: str = ""
    digest: str = ""
    within: int = 0
    sent: str = ""
    columns: tuple[str, ...] = ()
    path: str = ""
    mark: str = ""
    whole: bool = False
    back: Progress | None = None

    @property
    def result(self) -> dict[str, JSON]:
        """What later steps may read."""
        return {
            "read": self.read,
            "rows": self.rows,
            "chunks": self.chunks,
            "bytes": self.bytes,
            "path": self.path or None,
        }


def read_progress(text: str) -> Progress:
    """The progress that an entry keeps; of an empty text the beginning."""
    return _decoder.decode(text) if text else Progress()


def written_progress(progress: Progress) -> str:
    """The text that an entry keeps."""
    return _encoder.encode(progress).decode()


def key_text(value: JSON) -> str:
    """A key as `Progress.after` has it."""
    return _encoder.encode(value).decode()


def read_key(text: str) -> JSON:
    """The key that `key_text` wrote."""
    value: JSON = _keys.decode(text)
    return value


def _raw(value: object) -> object:
    assert isinstance(value, Number)
    return msgspec.Raw(value.text.encode())


_encoder = msgspec.json.Encoder(enc_hook=_raw)
_decoder = msgspec.json.Decoder(Progress)
_keys: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Number)
