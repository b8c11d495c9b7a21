"""Schemas of the OpenAPI document: drafts of schemas, tables, proposals, proofs and hand-outs."""

from __future__ import annotations

from typing import Final

from hookstation.core.draft import Doubt
from hookstation.core.preview import Fate
from hookstation.core.proof import Risk, Verdict
from hookstation.core.records import FieldType
from hookstation.core.schema_rows import TYPES
from hookstation.core.values import JSON
from hookstation.web.api.schema_parts import ANY, COUNT, FREE, MAYBE_TEXT, TEXT, closed, object_of, ref

FLAG: Final[JSON] = {"type": "boolean"}
MAYBE_COUNT: Final[JSON] = {"type": ["integer", "null"]}
MAYBE_NUMBER: Final[JSON] = {"type": ["number", "null"]}
LIST: Final[JSON] = {"type": "array"}
TEXTS: Final[JSON] = {"type": "array", "items": TEXT}
SCHEMA: Final[JSON] = {"type": ["object", "boolean"]}


def wizard_schemas() -> dict[str, JSON]:
    """The schemas by name."""
    return {**_drafts(), **_proposals(), **_proofs(), **_previews(), **_handouts(), **_requests()}


def _listed(name: str) -> JSON:
    return {"type": "array", "items": ref(name)}


def _drafts() -> dict[str, JSON]:
    row: dict[str, JSON] = {
        "pointer": TEXT,
        "path": TEXT,
        "name": TEXT,
        "depth": COUNT,
        "types": TEXTS,
        "nullable": FLAG,
        "required": FLAG,
        "format": TEXT,
        "min_length": MAYBE_COUNT,
        "max_length": MAYBE_COUNT,
        "minimum": MAYBE_NUMBER,
        "maximum": MAYBE_NUMBER,
        "pattern": TEXT,
        "values": LIST,
        "example": ANY,
        "description": TEXT,
        "more": TEXTS,
    }
    choice = object_of(("name", "label", "contradicts"), name=TEXT, label=TEXT, contradicts=FLAG)
    question = object_of(
        ("key", "doubt", "pointer", "path", "question", "choices", "assumed"),
        key=TEXT,
        doubt={"enum": list(Doubt)},
        pointer=TEXT,
        path=TEXT,
        question=TEXT,
        choices={"type": "array", "items": choice},
        assumed=TEXT,
    )
    return {
        "SchemaRow": object_of(tuple(row), **row),
        "SchemaQuestion": question,
        "SchemaDraft": object_of(
            ("schema", "questions", "rows"),
            schema=FREE,
            questions=_listed("SchemaQuestion"),
            rows=_listed("SchemaRow"),
        ),
        "SchemaTable": object_of(
            ("schema", "rows", "problems"),
            schema=SCHEMA,
            rows=_listed("SchemaRow"),
            problems=_listed("Detail"),
        ),
    }


def _proposals() -> dict[str, JSON]:
    proposal = object_of(
        ("field", "template", "path", "score", "reason"),
        field=TEXT,
        template=TEXT,
        path=TEXT,
        score={"type": "integer", "minimum": 0, "maximum": 100},
        reason=TEXT,
    )
    field = object_of(
        ("name", "caption", "type", "length", "required", "values", "read_only", "proposals"),
        name=TEXT,
        caption=TEXT,
        type={"enum": list(FieldType)},
        length=MAYBE_COUNT,
        required=FLAG,
        values=TEXTS,
        precision=MAYBE_COUNT,
        scale=MAYBE_COUNT,
        read_only=FLAG,
        proposals={"type": "array", "items": proposal},
    )
    return {
        "MappingProposals": object_of(
            ("entity", "party_field", "open", "fields", "warning"),
            entity=TEXT,
            party_field=MAYBE_TEXT,
            open=FLAG,
            fields={"type": "array", "items": field},
            warning=TEXT,
        )
    }


def _proofs() -> dict[str, JSON]:
    finding = object_of(
        ("risk", "rare", "reason", "payload", "changes"),
        risk={"enum": list(Risk)},
        rare=FLAG,
        reason=TEXT,
        payload=ANY,
        changes=_listed("ProofChange"),
    )
    field = object_of(
        ("part", "field", "verdict", "why", "findings", "certain"),
        part={"enum": ["fields", "match"]},
        field=TEXT,
        verdict={"enum": list(Verdict)},
        why=TEXT,
        findings={"type": "array", "items": finding},
        certain={"anyOf": [ref("ProofChange"), {"type": "null"}]},
    )
    return {
        "ProofChange": object_of(("said", "schema", "templates"), said=TEXT, schema=LIST, templates=LIST),
        "Proof": object_of(
            ("verdict", "fields", "steps", "exhausted", "warning"),
            verdict={"enum": list(Verdict)},
            fields={"type": "array", "items": field},
            steps={"type": "integer"},
            exhausted=FLAG,
            warning=TEXT,
        ),
        "ChangedMapping": object_of(("schema", "action"), schema=SCHEMA, action=FREE),
    }


def _previews() -> dict[str, JSON]:
    field = object_of(
        ("part", "name", "field", "fate", "value", "said"),
        part={"enum": ["fields", "match"]},
        name=TEXT,
        field=TEXT,
        fate={"enum": list(Fate)},
        value={"type": ["string", "number", "boolean", "null"]},
        said=TEXT,
    )
    return {
        "MappingPreview": object_of(
            ("fails", "fields", "problems", "warning"),
            fails=FLAG,
            fields={"type": "array", "items": field},
            problems=_listed("Detail"),
            warning=TEXT,
        )
    }


def _handouts() -> dict[str, JSON]:
    header = object_of(("name", "value", "about"), name=TEXT, value=TEXT, about=TEXT)
    answer = object_of(
        ("status", "body", "meaning", "again"),
        status={"type": "integer"},
        body=TEXT,
        meaning=TEXT,
        again=FLAG,
    )
    return {
        "ProposedName": object_of(("name",), name=TEXT),
        "Handout": object_of(
            ("title", "url", "method", "headers", "schema", "sample", "answers", "curl", "markdown"),
            title=TEXT,
            url=TEXT,
            method=TEXT,
            headers={"type": "array", "items": header},
            authentication=TEXT,
            duplicates=TEXT,
            limits=TEXTS,
            schema=SCHEMA,
            sample=ANY,
            answers={"type": "array", "items": answer},
            curl=TEXT,
            markdown=TEXT,
        ),
    }


def _requests() -> dict[str, JSON]:
    samples: JSON = {"type": "array", "items": {"type": ["object", "array"]}, "maxItems": 100}
    edit = closed(
        ("pointer",),
        pointer=TEXT,
        name=TEXT,
        add=TEXT,
        remove=FLAG,
        types={"type": "array", "items": {"enum": list(TYPES)}, "uniqueItems": True},
        nullable=FLAG,
        required=FLAG,
        format=MAYBE_TEXT,
        min_length=MAYBE_COUNT,
        max_length=MAYBE_COUNT,
        minimum=MAYBE_NUMBER,
        maximum=MAYBE_NUMBER,
        pattern=MAYBE_TEXT,
        values=LIST,
        example=ANY,
        description=MAYBE_TEXT,
        path=TEXT,
        depth=COUNT,
        more=TEXTS,
    )
    answers: JSON = {"type": "object", "additionalProperties": TEXT}
    return {
        "SchemaDraftRequest": closed(("samples",), samples=samples, answers=answers),
        "SchemaTableRequest": closed(("schema",), schema=SCHEMA, edits={"type": "array", "items": edit}),
        "ProposeRequest": closed(
            ("schema", "connection"), schema=SCHEMA, connection=TEXT, panel=TEXT, samples=samples
        ),
        "ProveRequest": closed(
            ("schema", "action"), schema=SCHEMA, action=FREE, samples=samples, webhook=TEXT
        ),
        "PreviewRequest": closed(
            ("schema", "action", "payload"), schema=SCHEMA, action=FREE, payload=ANY, webhook=TEXT
        ),
        "ProofChangeRequest": closed(
            ("schema", "action", "change"), schema=SCHEMA, action=FREE, change=ref("ProofChange")
        ),
        "NameRequest": closed(("title",), title=TEXT),
    }
