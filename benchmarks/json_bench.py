"""What reading and checking one body costs: `python benchmarks/json_bench.py`.

Prints µs (best of seven rounds) for a 491-byte body with one decimal, and the memory of one compiled
schema.  The machine's speed drifts; compare the figures of one run with one another.
"""

from __future__ import annotations

import json
import sys
import timeit
from collections.abc import Callable
from pathlib import Path

import msgspec

from hookstation.core import jsontext
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.schema import CompiledSchema, compile_schema, parse_schema_text
from hookstation.core.values import JSON

ROUNDS, CALLS = 7, 20_000
SCHEMA = """{"type": "object", "required": ["memberId", "courseCode"], "properties": {
  "memberId": {"type": "string", "minLength": 1, "maxLength": 10}, "firstName": {"type": "string"},
  "lastName": {"type": "string"}, "date": {"type": "string", "format": "date"},
  "dateTime": {"type": "string", "format": "date-time"}, "count": {"type": "integer", "minimum": 0},
  "amount": {"type": "number"}, "courseCode": {"type": "string", "pattern": "^[A-Z0-9-]{2,20}$"}}}"""


def body() -> bytes:
    """A flat body of 491 bytes, as `json.dumps` writes it."""
    fields: dict[str, object] = {
        "memberId": "10420", "firstName": "Ana", "lastName": "Löwe", "date": "2026-11-22",
        "dateTime": "2026-11-22T09:30:00Z", "count": 3, "amount": 19.5, "courseCode": "ETH-101", "note": "",
    }  # fmt: skip
    short = json.dumps(fields, ensure_ascii=False).encode()
    return json.dumps({**fields, "note": "x" * (491 - len(short))}, ensure_ascii=False).encode()


def best(call: Callable[[], object]) -> float:
    """Microseconds of one call."""
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def resident() -> int:
    """Kilobytes of this process in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def memory_of_one(schema: JSON, count: int = 2_000) -> float:
    """Kilobytes that one compiled schema adds."""
    warm = compile_schema(schema)
    before = resident()
    kept: list[CompiledSchema] = [warm, *(compile_schema(schema) for _ in range(count))]
    return (resident() - before) / (len(kept) - 1)


def main() -> None:
    """Measure and print."""
    raw = body()
    whole = raw.replace(b"19.5", b"1950")
    schema = parse_schema_text(SCHEMA)
    compiled = compile_schema(schema)
    parsed = parse_json(raw)
    refused = parse_json(raw.replace(b'"memberId"', b'"memberid"'))
    rows: dict[str, Callable[[], object]] = {
        f"msgspec bare ({len(raw)} bytes)": lambda: msgspec.json.decode(raw),
        "json.loads bare": lambda: json.loads(raw),
        "parse_json, fast pass": lambda: parse_json(raw),
        "parse_json, fast pass, no decimal": lambda: parse_json(whole),
        "parse_json, exact pass": lambda: jsontext._parse_exactly(raw, jsontext.DEPTH, jsontext.MEMBERS),
        "dump_json": lambda: dump_json(parsed.value),
        "schema, valid": lambda: compiled.violations(parsed),
        "schema, one violation": lambda: compiled.violations(refused),
    }
    for name, call in rows.items():
        sys.stdout.write(f"{name:40} {best(call):8.2f} µs\n")
    sys.stdout.write(f"{'one compiled schema':40} {memory_of_one(schema):8.1f} kB\n")


if __name__ == "__main__":
    main()
