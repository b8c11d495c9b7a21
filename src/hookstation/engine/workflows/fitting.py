"""Filled fields of a step as the record that its target takes: names made canonical, values fitted, none guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from hookstation.core.activity import TRANSACTION_DATE, canonical_name, unknown_field
from hookstation.core.coerce import Coercer, coercer, open_coercer
from hookstation.core.mapping import NOT_THERE, local_moment
from hookstation.core.mapping_checks import PARTY_LENGTH
from hookstation.core.records import ACTIVITY, EntitySpec, FieldSpec, FieldType, Operation, Record
from hookstation.core.values import JSON, Scalar
from hookstation.engine.targets import Targets
from hookstation.errors import MappingFailed, NotFound, Retriable, Terminal

MOST_KNOWN: Final = 10_000
"""Fields whose fit is remembered; then all are forgotten."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where records of a kind stand."""

    connection: str
    spec: EntitySpec
    zone: ZoneInfo


class Fitting:
    """Makes records for the targets that are configured just now; what was found out of a field is remembered."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._fits: dict[tuple[int, str], tuple[EntitySpec, str, Coercer]] = {}
        self._zones: dict[str, ZoneInfo] = {}

    def place(self, connection: str, entity: str) -> Place:
        """Raises `Retriable` where the connection is not there, `Terminal` where it has no such entity."""
        target = self._targets.connectors.get(connection)
        if target is None:
            raise Retriable(f"The connection “{connection}” is not configured any more.")
        try:
            spec = self._targets.spec(connection, entity)
        except NotFound as missing:
            raise Terminal(missing.message) from missing
        zone = self._zones.get(target.zone)
        if zone is None:
            zone = self._zones[target.zone] = ZoneInfo(target.zone)
        return Place(connection, spec, zone)

    def record(
        self,
        place: Place,
        operation: Operation,
        fields: Mapping[str, JSON],
        match: Mapping[str, JSON],
        now: int,
    ) -> Record:
        """The record. Raises `MappingFailed` naming the field that does not fit or is missing."""
        spec = place.spec
        fitted, found = self.values(place, fields), self.values(place, match)
        for name, value in found.items():
            if value is None:
                raise MappingFailed(name, "null, by which no record can be found.")
        if operation is Operation.UPSERT:
            for name, value in found.items():
                fitted.setdefault(name, value)
        if operation in (Operation.INSERT, Operation.UPSERT):
            if spec.name == ACTIVITY and TRANSACTION_DATE in spec.fields and TRANSACTION_DATE not in fitted:
                fitted[TRANSACTION_DATE] = local_moment(now, place.zone)
            _check_required(spec, fitted)
        return Record(place.connection, spec.name, operation, fitted, found)

    def values(self, place: Place, written: Mapping[str, JSON]) -> dict[str, Scalar]:
        """Values by canonical name. Raises `MappingFailed`, and `Terminal` for a name that is none of the fields."""
        spec, fits = place.spec, self._fits
        values: dict[str, Scalar] = {}
        for name, value in written.items():
            known = fits.get((id(spec), name))
            if known is None or known[0] is not spec:
                known = self._fit(place, name)
            values[known[1]] = known[2](value)
        return values

    def _fit(self, place: Place, name: str) -> tuple[EntitySpec, str, Coercer]:
        spec = place.spec
        canonical = canonical_name(spec, name)
        if canonical is None:
            raise Terminal(unknown_field(spec, name))
        column = spec.fields.get(canonical)
        if column is None and canonical == spec.party_field:
            column = FieldSpec(canonical, FieldType.STRING, PARTY_LENGTH, required=True)
        fit = open_coercer(canonical) if column is None else coercer(column, place.zone)
        if len(self._fits) >= MOST_KNOWN:
            self._fits.clear()
        known = self._fits[id(spec), name] = (spec, canonical, fit)
        return known


def _check_required(spec: EntitySpec, values: Mapping[str, Scalar]) -> None:
    party = spec.party_field
    if party is not None and values.get(party) is None:
        raise MappingFailed(party, NOT_THERE)
    for name, column in spec.fields.items():
        if column.required and not column.read_only and name not in values:
            raise MappingFailed(name, NOT_THERE)
