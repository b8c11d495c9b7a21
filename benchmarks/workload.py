"""What is sent, and what the station is told to do with it: the same for every server that is compared."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Final

BODY_SIZE: Final = 500
TOKEN: Final = "benchmark-token-0123456789"
TOKEN_VARIABLE: Final = "HOOKSTATION_BENCH_TOKEN"
NUMBER: Final = "{{n}}"
"""Stands for the number of a request, 9 digits, different in each."""

NUMBER_DIGITS: Final = 9
NUMBERS: Final = 10**NUMBER_DIGITS
STRIDE: Final = 3**18
"""Request n carries n × STRIDE modulo NUMBERS: each number once, in no order, as senders' keys come."""

SCHEMA: Final = {
    "type": "object",
    "properties": {
        "memberId": {"type": "string", "maxLength": 10},
        "firstName": {"type": "string", "maxLength": 60},
        "lastName": {"type": "string", "maxLength": 60},
        "date": {"type": "string", "format": "date"},
        "dateTime": {"type": "string", "format": "date-time"},
        "count": {"type": "integer", "minimum": 0},
        "amount": {"type": "number"},
        "courseCode": {"type": "string", "maxLength": 20},
        "remark": {"type": "string"},
    },
    "required": ["memberId", "firstName", "lastName", "courseCode"],
}
FIELDS: Final = {
    "ActivityType": "TEST",
    "ID": "$$memberId$$",
    "TransactionDate": "$$dateTime$$",
    "ProductCode": "$$courseCode$$",
    "Category": "DATE:$$date$$",
    "Note": "First name: $$firstName$$, Last name: $$lastName$$",
    "Quantity": "$$count$$",
    "Amount": "$$amount$$",
}
"""Eight mapped fields: static text, single properties, and both mixed."""

_PAYLOAD: Final = {
    "memberId": "10420",
    "firstName": "Homer",
    "lastName": "Simpson",
    "date": "2026-11-22",
    "dateTime": "2026-11-22T09:30:00Z",
    "count": 3,
    "amount": 19.90,
    "courseCode": "SAFE-101",
}


def webhook(name: str, *, search: bool = True) -> dict[str, object]:
    """A webhook with everything that is called full work."""
    return {
        "name": name,
        "title": f"Course completions of {name}",
        "authentication": {"type": "token", "header": "X-Token", "secret": f"${{env:{TOKEN_VARIABLE}}}"},
        "duplicates": {"key": "header:webhook-id", "window": "7d"},
        "schema": SCHEMA,
        "search": search,
        "action": {"type": "insert_activity", "connection": "records", "fields": FIELDS},
    }


def configuration(names: list[str], *, search: bool = True) -> str:
    """A config file with one webhook a name."""
    return json.dumps({"version": 1, "webhooks": [webhook(name, search=search) for name in names]})


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls to one server: `paths` in turn, each request with a dedup key of its own in header and body."""

    port: int
    paths: tuple[str, ...] = ("/",)

    def request(self, run: str) -> str:
        """The request after its path as it goes over the wire, `NUMBER` where its number goes."""
        key = f"{run}-{NUMBER}"
        body = body_of(key)
        size = len(body) + body.count(NUMBER) * (NUMBER_DIGITS - len(NUMBER))
        head = (
            f" HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            f"User-Agent: lms/1.0\r\nX-Token: {TOKEN}\r\nwebhook-id: {key}\r\nContent-Length: {size}\r\n\r\n"
        )
        return head + body


def body_of(key: str) -> str:
    """A body of `BODY_SIZE` bytes (once its number is in place) that carries the key."""
    text = json.dumps({**_PAYLOAD, "eventId": key, "remark": ""})
    missing = BODY_SIZE - len(text) - text.count(NUMBER) * (NUMBER_DIGITS - len(NUMBER))
    return text[:-2] + "x" * missing + text[-2:]


def run_name() -> str:
    """A word that no earlier run of the load generator used, always of the same length."""
    return f"{time.time_ns() & 0xFFFFFFFFFFFF:012x}"


def number_text(n: int) -> str:
    """The number of the n-th request, as it goes over the wire."""
    return f"{n * STRIDE % NUMBERS:0{NUMBER_DIGITS}d}"
