"""A transfer as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hookstation.core.documents.poll_sources import given_options
from hookstation.core.documents.secrets import transfer_purpose
from hookstation.core.documents.step_settings import check_columns, rewritten
from hookstation.core.documents.transfer_ends import (
    DESTINATION,
    SOURCE,
    check_destination,
    check_rows,
    destination_of,
    destination_values,
    rows_of,
    rows_values,
)
from hookstation.core.fieldlist import Kind, SecretReader, SecretWriter, Setting, Values, decode, encode
from hookstation.core.formats import read_layout
from hookstation.core.transfers.definitions import (
    AlertOn,
    Alerts,
    Column,
    Delta,
    Format,
    Transfer,
    TransferState,
)
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog.common import FORMAT_OPTIONS, TEXT_FORMATS
from hookstation.core.workflows.catalog.data import COLUMNS
from hookstation.core.workflows.scoping import Seen, template_problems
from hookstation.errors import Invalid, Problem

PGP_BEGIN: Final = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_EVENTS: Final = tuple(one.value for one in AlertOn)

FORMATS: Final[Mapping[str, tuple[Setting, ...]]] = dict.fromkeys(TEXT_FORMATS, FORMAT_OPTIONS)
TRANSFER: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern="[a-z0-9-]{1,64}",
        pattern_words="lower-case letters, digits and “-”, up to 64",
        help="What commands and pages call it; unique.",
        example="members-to-csv",
    ),
    Setting("title", Kind.TEXT, maximum=200, help="What people call it.", example="Members for the printer"),
    Setting("note", Kind.TEXT, maximum=10_000, help="What people should know about it."),
    Setting(
        "state",
        Kind.CHOICE,
        default="active",
        choices=tuple(TransferState),
        help="Only of an `active` one runs begin.",
    ),
    SOURCE,
    Setting(
        "delta",
        Kind.GROUP,
        help="Sends only rows that are new or changed since the last run that succeeded; left out: all.",
        fields=(
            Setting(
                "key",
                Kind.LIST,
                required=True,
                minimum=1,
                maximum=20,
                help="The columns by which a row is known again.",
                example=["ID"],
            ),
            Setting("columns", Kind.LIST, maximum=1_000, help="The columns that count; left out: all."),
        ),
    ),
    COLUMNS,
    Setting(
        "format",
        Kind.ONE_OF,
        default={"type": "csv"},
        variants=FORMATS,
        help="How rows are written.",
        example={"type": "csv", "delimiter": ";"},
    ),
    Setting("zip", Kind.BOOLEAN, default=False, help="Whether what is sent is packed as a ZIP file."),
    Setting(
        "pgp",
        Kind.GROUP,
        help="Encrypts what is sent, after `zip`.",
        fields=(
            Setting(
                "key",
                Kind.TEXT,
                required=True,
                maximum=100_000,
                help="The receiver's OpenPGP public key, armoured.",
            ),
        ),
    ),
    DESTINATION,
    Setting(
        "chunk",
        Kind.INTEGER,
        default=5_000,
        minimum=1,
        maximum=100_000,
        help="So many rows are one piece of the work: with `how: chunks` one call or file, and what is not sent again "
        "after a break.",
    ),
    Setting(
        "alerts",
        Kind.GROUP,
        help="Tells somebody by mail how it ended.",
        fields=(
            Setting("connection", Kind.NAME, required=True, help="The `smtp` connection.", example="mail"),
            Setting(
                "to",
                Kind.LIST,
                required=True,
                minimum=1,
                maximum=50,
                help="Addresses.",
                example=["ann@example.org"],
            ),
            Setting(
                "on",
                Kind.LIST,
                default=["failure"],
                minimum=1,
                maximum=len(_EVENTS),
                help="After which ends: `success`, `failure`, `nothing` (there was nothing to send).",
            ),
        ),
    ),
)


def decode_transfer(document: JSON, secrets: SecretReader) -> tuple[Transfer | None, list[Problem]]:
    """The transfer, ``None`` where anything is wrong, and what is: its templates are compiled."""
    name = document.get("name") if isinstance(document, dict) else ""
    values, problems = decode(TRANSFER, document, secrets, transfer_purpose(str(name)))
    problems += [one.under("source") for one in check_rows(values.group("source"))]
    problems += check_columns(values)
    problems += [one.under("destination") for one in check_destination(values.group("destination"))]
    problems += _check_columns(values)
    problems += _check_sending(values)
    return (None, problems) if problems else (_transfer(values), [])


def _check_columns(values: Values) -> Iterator[Problem]:
    for index, column in enumerate(values.groups("columns")):
        yield from template_problems(column.json("value"), Seen(row=True), ("columns", index, "value"))


def _check_sending(values: Values) -> Iterator[Problem]:
    how = values.group("destination").text("how")
    packed = "zip" if values.flag("zip") else "pgp" if values.group("pgp") else ""
    if how == "rows" and packed:
        yield Problem((packed,), "is for rows that are sent together; with “how: rows” leave it out.")
    key = values.group("pgp").text("key")
    if key and not key.strip().startswith(PGP_BEGIN):
        yield Problem(("pgp", "key"), f"is not an armoured OpenPGP public key; it begins with {PGP_BEGIN}.")
    yield from _check_format(values.group("format"))
    alerts = values.group("alerts")
    for index, one in enumerate(alerts.texts("on")):
        if one not in _EVENTS:
            yield Problem(
                ("alerts", "on", index), f"“{one[:40]}” is not known; there are {', '.join(_EVENTS)}."
            )
    for index, address in enumerate(alerts.texts("to")):
        if "@" not in address:
            yield Problem(
                ("alerts", "to", index), f"“{address[:60]}” is not an address such as ann@example.org."
            )


def _check_format(form: Values) -> Iterator[Problem]:
    options = Values({name: one for name, one in form.items() if name != "type"})
    try:
        read_layout(form.text("type") or "csv", given_options(options))
    except Invalid as refused:
        yield from (one.under("format") for one in refused.problems)


def _transfer(values: Values) -> Transfer:
    delta, alerts, form = values.group("delta"), values.group("alerts"), values.group("format")
    options = Values({name: one for name, one in form.items() if name != "type"})
    return Transfer(
        name=values.text("name"),
        source=rows_of(values.group("source")),
        destination=destination_of(values.group("destination")),
        title=values.text("title"),
        note=values.text("note"),
        state=TransferState(values.text("state")),
        delta=Delta(delta.texts("key"), delta.texts("columns")) if delta else None,
        columns=tuple(_column(one) for one in values.groups("columns")),
        format=Format(form.text("type"), given_options(options)),
        zip=values.flag("zip"),
        pgp=values.group("pgp").text("key"),
        chunk=values.integer("chunk"),
        alerts=_alerts(alerts) if alerts else None,
    )


def _column(values: Values) -> Column:
    return Column(values.text("name"), values.text("from"), rewritten(values.json("value")))


def _alerts(values: Values) -> Alerts:
    return Alerts(
        values.text("connection"), values.texts("to"), frozenset(AlertOn(one) for one in values.texts("on"))
    )


def encode_transfer(transfer: Transfer, secrets: SecretWriter, *, defaults: bool = False) -> dict[str, JSON]:
    """The document of a transfer, with what is default or without."""
    delta, alerts = transfer.delta, transfer.alerts
    usual = transfer.format == Format() and not defaults
    values: dict[str, object] = {
        "name": transfer.name,
        "title": transfer.title,
        "note": transfer.note,
        "state": transfer.state.value,
        "source": rows_values(transfer.source),
        "delta": {"key": list(delta.key), "columns": list(delta.columns)} if delta else None,
        "columns": [{"name": one.name, "from": one.source, "value": one.value} for one in transfer.columns],
        "format": None if usual else {"type": transfer.format.type, **transfer.format.options},
        "zip": transfer.zip,
        "pgp": {"key": transfer.pgp} if transfer.pgp else None,
        "destination": destination_values(transfer.destination),
        "chunk": transfer.chunk,
        "alerts": {
            "connection": alerts.connection,
            "to": list(alerts.to),
            "on": [one for one in _EVENTS if one in alerts.on],
        }
        if alerts
        else None,
    }
    return encode(TRANSFER, values, secrets, transfer_purpose(transfer.name), defaults=defaults)
