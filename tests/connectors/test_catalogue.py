"""Connections of files and mail as a person writes them: the fewest settings, and what they become."""

from __future__ import annotations

import pytest

from hookstation.connectors import CATALOGUE, build_connector
from hookstation.core.documents import PersonSecrets
from hookstation.core.documents.connection import carried_elsewhere, decode_connection, encode_connection
from hookstation.core.values import JSON
from tests.support.files import outside

FEWEST: dict[str, dict[str, JSON]] = {
    "sftp": {"host": "files.example.org", "username": "x", "password": "secret"},
    "ftps": {"host": "files.example.org", "username": "x", "password": "secret"},
    "s3": {"bucket": "members", "access_key": "x", "secret_key": "secret"},
    "smtp": {"host": "mail.example.org", "sender": "Office <office@example.org>"},
    "imap": {"host": "mail.example.org", "username": "x", "password": "secret"},
}


@pytest.mark.parametrize("kind", FEWEST)
async def test_the_fewest_settings_are_enough(kind: str) -> None:
    """Defaults fill in the rest, nothing is asked of anybody yet, and it is written back as it was."""
    document: JSON = {"name": "far", "type": kind, **FEWEST[kind]}
    connection, problems = decode_connection(document, CATALOGUE, PersonSecrets())
    assert [] == problems
    assert connection is not None
    connector = build_connector(connection, outside())
    assert "far" == connector.name
    await connector.close()
    written = encode_connection(connection, CATALOGUE, PersonSecrets())
    assert set(FEWEST[kind]) | {"name", "type"} == set(written)


@pytest.mark.parametrize("kind", ["sftp", "ftps", "imap"])
def test_a_secret_does_not_go_to_another_host(kind: str) -> None:
    """Where the host changes and the mask of the password comes back, it has to be given again."""
    secrets = PersonSecrets()
    before, _ = decode_connection({"name": "far", "type": kind, **FEWEST[kind]}, CATALOGUE, secrets)
    assert before is not None
    elsewhere: JSON = {"name": "far", "type": kind, **FEWEST[kind], "host": "other.example.org"}
    after, _ = decode_connection(elsewhere, CATALOGUE, secrets)
    assert after is not None
    kept = type(after)(after.name, after.type, after.settings, before.secrets)
    assert ["password"] == [problem.path[0] for problem in carried_elsewhere(before, kept, CATALOGUE)]
    assert [] == carried_elsewhere(before, before, CATALOGUE)
