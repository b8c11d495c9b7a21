"""A JSON value fitted to a target's field: exactly, or not at all.

Nothing is cut, rounded or guessed.  Reasons name the limit and the value's kind, never the value: a mapping's
constants must not reach the sender.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from hookstation.core.isotime import Moment, is_plain_date, is_plain_moment, local_text, read_moment
from hookstation.core.records import FieldSpec, FieldType
from hookstation.core.template import MOST_OUTPUT
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON, Number, Scalar, kind_of
from hookstation.errors import MappingFailed

Coercer: TypeAlias = Callable[[JSON], Scalar]

SMALLEST_INTEGER: Final = -(2**31)
LARGEST_INTEGER: Final = 2**31 - 1
"""Integer fields hold 32 bits, as iMIS has them (System.Int32)."""

MOST_DIGITS: Final = 100
"""Most digits of a decimal whose field names no precision."""

LARGEST_EXPONENT: Final = 1_300
"""Powers of ten that a number may be written with: 1,000 digits and 300 more, as long as a payload's may be."""

NUL: Final = "\0"
WITH_NUL: Final = "that holds the character U+0000, which no database keeps in text; take it out."
"""Other control characters go out as they came: what a person pasted into a form is not ours to judge."""

_INTEGER: Final = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_DECIMAL: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,1000}))?", re.ASCII)


def coerce(value: JSON, spec: FieldSpec, zone: ZoneInfo) -> Scalar:
    """`value` as the field's type has it. Raises `MappingFailed` naming the field."""
    return coercer(spec, zone)(value)


def coercer(spec: FieldSpec, zone: ZoneInfo) -> Coercer:
    """A function that fits values to the field; date-times with a zone go out as local time in `zone`."""
    if spec.type is FieldType.STRING:
        return _string(spec)
    return _FITS[spec.type](spec, zone)


def _clearable(spec: FieldSpec, fit: Coercer) -> Coercer:
    """`fit` for what is not null. The usual values are told before it, so that they cost one call."""

    def convert(value: JSON) -> Scalar:
        if value is None:
            _check_clearing(spec)
            return None
        return fit(value)

    return convert


def open_coercer(name: str) -> Coercer:
    """A function for a field of which nothing is known: values go out as they are, objects and arrays as JSON."""

    def convert(value: JSON) -> Scalar:
        if isinstance(value, list | dict):
            value = text_of(value)
        if isinstance(value, str):
            _check_output(name, value)
            if NUL in value:
                raise MappingFailed(name, f"text {WITH_NUL}")
        return value

    return convert


def _failed(spec: FieldSpec, reason: str) -> MappingFailed:
    return MappingFailed(spec.name, reason)


def _check_clearing(spec: FieldSpec) -> None:
    if spec.required:
        raise _failed(spec, "null, but the field is required.")


def _string(spec: FieldSpec) -> Coercer:
    most = spec.length if spec.length is not None and spec.length >= 0 else None
    # So many characters cannot have more bytes than a field may have.
    certain = min(MOST_OUTPUT // 4, MOST_OUTPUT if most is None else most)
    values, required = frozenset(spec.values), spec.required

    def convert(value: JSON) -> Scalar:
        if value is None:
            _check_clearing(spec)
            return None
        text = value if type(value) is str else text_of(value)
        if not text and required:
            raise _failed(spec, f"{kind_of(value)} that is empty, but the field is required.")
        if len(text) > certain:
            _check_text(spec, most, text, value)
        if NUL in text:
            raise _failed(spec, f"{kind_of(value)} {WITH_NUL}")
        if values and text not in values:
            raise _failed(
                spec, f"{kind_of(value)} that is not among the allowed values: {_listed(spec.values)}."
            )
        return text

    return convert


def _check_text(spec: FieldSpec, most: int | None, text: str, value: JSON) -> None:
    if most is not None and len(text) > most:
        raise _failed(spec, f"{kind_of(value)} of {len(text):,} characters; at most {most:,} are allowed.")
    _check_output(spec.name, text)


def _check_output(name: str, text: str) -> None:
    if len(text) * 4 > MOST_OUTPUT and (size := len(text.encode())) > MOST_OUTPUT:
        raise MappingFailed(name, f"text of {size:,} bytes; at most {MOST_OUTPUT:,} (64 KiB) are allowed.")


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:20])
    return f"{shown} and {len(values) - 20} more" if len(values) > 20 else shown


def _integer(spec: FieldSpec, _zone: ZoneInfo) -> Coercer:
    def convert(value: JSON) -> Scalar:
        if type(value) is int and SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
            return value
        return fit(value)

    def fit_any(value: JSON) -> Scalar:
        found = _whole(value)
        if found is None:
            raise _failed(spec, f"{kind_of(value)} that is not a whole number; an integer is expected.")
        if not SMALLEST_INTEGER <= found <= LARGEST_INTEGER:
            raise _failed(spec, f"{kind_of(value)} outside {SMALLEST_INTEGER:,} to {LARGEST_INTEGER:,}.")
        return found

    fit = _clearable(spec, fit_any)
    return convert


def _whole(value: JSON) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    if isinstance(value, Number):
        decimal = value.decimal
        return int(decimal) if decimal == decimal.to_integral_value() else None
    return None


def _decimal(spec: FieldSpec, _zone: ZoneInfo) -> Coercer:
    most = spec.precision or MOST_DIGITS
    scale = spec.scale
    whole_most = most if scale is None else most - scale
    scale_most = MOST_DIGITS if scale is None else scale
    too_large = 10 ** max(0, min(whole_most, 18))

    def convert(value: JSON) -> Scalar:
        if type(value) is int:
            if 0 <= value < too_large:
                return Number(str(value))
        elif type(value) is Number and _is_digits(written := value.text):
            whole, _, fraction = written.partition(".")
            if len(whole) <= whole_most and len(fraction) <= scale_most and len(written) <= most + 1:
                return value
        return fit(value)

    def fit_any(value: JSON) -> Scalar:
        plain = _plain_digits(value)
        if plain is None:
            raise _failed(spec, f"{kind_of(value)} that is not a number; a decimal is expected.")
        whole, _, fraction = plain.lstrip("-").partition(".")
        digits, decimals = len(whole.lstrip("0")), len(fraction.rstrip("0"))
        if scale is not None and decimals > scale:
            raise _failed(spec, f"{kind_of(value)} with {decimals} decimals; at most {scale} are allowed.")
        if digits > whole_most:
            raise _failed(
                spec,
                f"{kind_of(value)} with {digits} digits before the point; at most {whole_most} are allowed.",
            )
        if digits + decimals > most:
            raise _failed(
                spec, f"{kind_of(value)} of {digits + decimals} digits; at most {most} are allowed."
            )
        return Number(plain)

    fit = _clearable(spec, fit_any)
    return convert


def _is_digits(written: str) -> bool:
    """Whether a number is written with digits and a point alone."""
    return "." in written and written.isascii() and written.replace(".", "", 1).isdecimal()


def _plain_digits(value: JSON) -> str | None:
    """The digits of a number without plus sign, leading zeros and exponent; ``None`` where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | Number | str):
        return None
    found = _DECIMAL.fullmatch(str(value)) if not isinstance(value, str) or len(value) <= 1_000 else None
    if found is None or not (found[2] or found[3]):
        return None
    sign, whole, fraction, exponent = found.groups()
    if exponent:
        if abs(int(exponent)) > LARGEST_EXPONENT:
            return None
        whole, _, fraction = format(Decimal(f"{whole or 0}.{fraction or 0}e{exponent}"), "f").partition(".")
        fraction = fraction.rstrip("0")
    minus = "-" if sign == "-" else ""
    return minus + (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def _boolean(spec: FieldSpec, _zone: ZoneInfo) -> Coercer:
    def convert(value: JSON) -> Scalar:
        if isinstance(value, bool):
            return value
        found = _TRUTH.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise _failed(spec, f"{kind_of(value)} that is not a boolean; true or false is expected.")
        return found

    return _clearable(spec, convert)


_TRUTH: Final = {"true": True, "false": False}


def _date(spec: FieldSpec, zone: ZoneInfo) -> Coercer:
    def convert(value: JSON) -> Scalar:
        if type(value) is str and is_plain_date(value):
            return value
        return fit(value)

    def fit_any(value: JSON) -> Scalar:
        return _moment(spec, value, "2026-11-22").local(zone).date().isoformat()

    fit = _clearable(spec, _in_calendar(spec, fit_any))
    return convert


def _datetime(spec: FieldSpec, zone: ZoneInfo) -> Coercer:
    here = zone.key == "UTC"

    def convert(value: JSON) -> Scalar:
        if type(value) is str and is_plain_moment(value, zoned=here):
            return value[:19]
        return fit(value)

    def fit_any(value: JSON) -> Scalar:
        moment = _moment(spec, value, "2026-11-22T09:30:00")
        return local_text(moment.local(zone), moment.fraction)

    fit = _clearable(spec, _in_calendar(spec, fit_any))
    return convert


def _moment(spec: FieldSpec, value: JSON, example: str) -> Moment:
    moment = read_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise _failed(
            spec, f"{kind_of(value)} that is not an ISO {spec.type.value}; one like {example} is expected."
        )
    return moment


def _in_calendar(spec: FieldSpec, convert: Coercer) -> Coercer:
    def guarded(value: JSON) -> Scalar:
        try:
            return convert(value)
        except OverflowError:
            raise _failed(spec, "a date at the end of the calendar that the zone moves out of it.") from None

    return guarded


def _binary(spec: FieldSpec, _zone: ZoneInfo) -> Coercer:
    def convert(value: JSON) -> Scalar:
        if not isinstance(value, str):
            raise _failed(spec, f"{kind_of(value)}; base64 text is expected.")
        _check_output(spec.name, value)
        try:
            size = len(base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            raise _failed(spec, "text that is not base64.") from None
        if spec.length is not None and 0 <= spec.length < size:
            raise _failed(spec, f"{size:,} bytes; at most {spec.length:,} are allowed.")
        return value

    return _clearable(spec, convert)


_FITS: Final[Mapping[FieldType, Callable[[FieldSpec, ZoneInfo], Coercer]]] = {
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.BINARY: _binary,
}
