"""One description of a setting serves decoding, writing back, docs and JSON Schema.

A document's description is a tuple of `Setting`; a connector's is its ``SPEC``.
"""

from hookstation.core.fieldlist.documents import decode, encode, plain
from hookstation.core.fieldlist.kinds import listed, read_rate, write_rate
from hookstation.core.fieldlist.schema import json_schema
from hookstation.core.fieldlist.setting import Kind, SecretCodec, SecretReader, SecretWriter, Setting, Values

__all__ = [
    "Kind",
    "SecretCodec",
    "SecretReader",
    "SecretWriter",
    "Setting",
    "Values",
    "decode",
    "encode",
    "json_schema",
    "listed",
    "plain",
    "read_rate",
    "write_rate",
]
