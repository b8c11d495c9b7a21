"""What subscriptions make of events, kept in files: ``python -m tests.support.golden_requests`` writes them anew.

``NAME.json`` has an event and the document of a subscription, ``NAME.http`` the request as it leaves, without what the
destination adds.  Whoever changes one reads the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hookstation.core.documents import decode_subscription
from hookstation.core.jsontext import parse_json
from hookstation.core.outgoing.subscribing import Rendered, compile_subscription
from hookstation.core.outgoing.values import EventOut

FOLDER: Final = Path(__file__).resolve().parents[1] / "core" / "golden" / "requests"
MOMENT: Final = 1_795_361_400_123_456
"""2026-11-22T15:30:00.123456Z."""


def cases() -> list[str]:
    """The names of the cases."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def rendered(name: str) -> Rendered:
    """The request of a case, at its first attempt."""
    case = parse_json((FOLDER / f"{name}.json").read_bytes()).value
    assert isinstance(case, dict)
    subscription, problems = decode_subscription(case["subscription"])
    assert subscription is not None, problems
    event = EventOut("01KAP2M8C0EXAMPLE000000000", str(case["type"]), MOMENT, str(case["payload"]))
    compiled = compile_subscription(subscription)
    assert compiled.wants(event, parse_json(event.payload.encode()).value)
    return compiled.render(event, "01KAP2M8C0EXAMPLE000000001", 1)


def written(request: Rendered) -> str:
    """A request as text."""
    headers = "".join(f"{name}: {value}\n" for name, value in request.headers)
    return f"{request.method}\n{headers}\n{request.body.decode()}\n"


def main() -> None:
    """Write every request."""
    for name in cases():
        (FOLDER / f"{name}.http").write_text(written(rendered(name)))


if __name__ == "__main__":
    main()
