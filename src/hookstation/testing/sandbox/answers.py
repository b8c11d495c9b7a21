"""JSON in and out, and the answers that are no entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.responses import Response

from hookstation.errors import HookstationError

CONTRACTS: Final = "Asi.Soa.Core.DataContracts"

_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Decimal)


class Refused(HookstationError):
    """The sandbox refuses a call. It never leaves this package: the routes turn it into an answer."""

    def __init__(self, status: int, *messages: str, validation: bool = False) -> None:
        self.status, self.messages, self.validation = status, messages, validation
        super().__init__("; ".join(messages))


def invalid(*messages: str) -> Refused:
    """A 400 "Validation error" with these messages."""
    return Refused(400, *messages, validation=True)


def read_json(body: bytes) -> object:
    """The decoded body; fractions are `Decimal` with the sender's digits. Raises `Refused` 400."""
    try:
        value: object = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refused(400, f"The body is not JSON: {error}.") from error
    return value


def reply(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(_encoder.encode(document), status, headers, "application/json; charset=utf-8")


def refusal(refused: Refused) -> Response:
    """The answer to a refused call."""
    if refused.validation:
        return reply(refused.status, validation_results(refused.messages))
    return reply(refused.status, {"Message": str(refused)})


def validation_results(messages: Sequence[str]) -> dict[str, object]:
    """The body of a 400 "Validation error": ``Errors.$values[].Message``, ``Warnings`` and ``Summary``."""
    return {
        "$type": f"{CONTRACTS}.ValidationResultsData, Asi.Contracts",
        "IsValid": not messages,
        "Errors": _results(messages),
        "Warnings": _results(()),
        "Summary": f"Validation error: {len(messages)} found." if messages else "",
    }


def _results(messages: Sequence[str]) -> dict[str, object]:
    kind = f"{CONTRACTS}.ValidationResultData, Asi.Contracts"
    return {
        "$type": f"{CONTRACTS}.ValidationResultDataCollection, Asi.Contracts",
        "$values": [{"$type": kind, "Message": message} for message in messages],
    }
