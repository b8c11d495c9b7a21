"""Steps that bring files to other systems and fetch them."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.workflows.catalog.common import ENCODINGS, FILE_KEEPERS, LARGEST_ANSWER, connection
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

_CONNECTION: Final = connection("An `sftp`, `ftps`, `s3` or `folder` connection.", "bank-sftp")
_ENCODING: Final = Setting(
    "encoding", Kind.CHOICE, default="utf-8", choices=ENCODINGS, help="How text becomes bytes."
)

FILES: Final = (
    StepSpec(
        "upload",
        "Upload a file",
        "Writes a file; nobody sees it under its name before it is whole.",
        Group.FILES,
        Reach.ELSEWHERE,
        settings=(
            _CONNECTION,
            Setting(
                "path",
                Kind.TEXT,
                required=True,
                maximum=2_000,
                help="The file, from the connection's folder on.",
                example="out/members-$$run.id$$.csv",
            ),
            Setting(
                "content",
                Kind.JSON,
                help="What it holds: a text, or any other value as JSON.",
                example="$$steps.convert.text$$",
            ),
            Setting(
                "file",
                Kind.TEXT,
                maximum=1_000,
                help="A file that an earlier step fetched, instead of `content`.",
                example="$$steps.download.content$$",
            ),
            _ENCODING,
            Setting(
                "replace",
                Kind.BOOLEAN,
                default=True,
                help="Whether a file of that name is replaced; else it is refused.",
            ),
        ),
        templates=frozenset({"path", "content", "file"}),
        needs_one=(("content", "file"),),
        output="file",
        holds="The file as it stands there.",
        sample={"path": "out/members.csv", "size": 18_000},
        connections=FILE_KEEPERS,
    ),
    StepSpec(
        "download",
        "Download a file",
        "Reads a file.",
        Group.FILES,
        Reach.READS,
        settings=(
            _CONNECTION,
            Setting(
                "path",
                Kind.TEXT,
                required=True,
                maximum=2_000,
                help="The file, from the connection's folder on.",
                example="in/orders.json",
            ),
            Setting(
                "response",
                Kind.CHOICE,
                default="text",
                choices=("text", "json", "file"),
                help="What it is read as; `file`: bytes, as base64 with name and type.",
            ),
            _ENCODING,
            Setting(
                "most",
                Kind.SIZE,
                default="1MiB",
                minimum=1,
                maximum=LARGEST_ANSWER,
                help="The largest file that is taken.",
            ),
        ),
        templates=frozenset({"path"}),
        output="content",
        holds="What the file holds.",
        sample="ID,FullName\r\n1042,Ann Example\r\n",
        connections=FILE_KEEPERS,
    ),
)
