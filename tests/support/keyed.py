"""The webhook and the connection of the fault tests: an activity that carries its event's key."""

from __future__ import annotations


def key_webhook(connection: str, name: str = "keys", **more: object) -> dict[str, object]:
    """A webhook that writes an activity with the sender's key in UF_1 and the marker in SourceCode."""
    return {
        "name": name,
        "authentication": {"type": "none"},
        "duplicates": {"key": "header:webhook-id", "window": "7d"},
        "schema": {
            "type": "object",
            "properties": {
                "key": {"type": "string"},
                "memberId": {"type": "string"},
                "amount": {"type": "number"},
                "note": {"type": "string"},
            },
            "required": ["key", "memberId"],
        },
        "action": {
            "type": "insert_activity",
            "connection": connection,
            "fields": {
                "ActivityType": "TEST",
                "ID": "$$memberId$$",
                "Amount": "$$amount$$",
                "Note": "$$note$$",
                "Uf1": "$$key$$",
                "SourceCode": "{{ event_id }}",
            },
        },
        **more,
    }


def sandbox_connection(url: str, **more: object) -> dict[str, object]:
    """The connection ``imis`` to a sandbox, quick to give up and quick to settle."""
    return {
        "name": "imis",
        "type": "imis",
        "url": url,
        "networks": ["127.0.0.0/8"],
        "username": "manager",
        "password": "sandbox",
        "timeout": "2s",
        "settle_after": "3s",
        **more,
    }
