"""What a connection of the type ``sftp`` needs, and the connector made of it."""

from __future__ import annotations

from typing import Final

from hookstation.connectors.filetree import Tree, TreeFiles
from hookstation.connectors.hosts import host_settings, place_of, refused_host
from hookstation.connectors.outside import Outside
from hookstation.connectors.sftp.account import Account
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.errors import Invalid, Problem

PORT: Final = 22

SPEC: Final = (
    *host_settings("sftp.example.org", PORT, "Port of the SSH server."),
    Setting("username", Kind.TEXT, required=True, help="The account's name.", example="hookstation"),
    Setting(
        "password", Kind.SECRET, help="Its password, unless it has a key.", example="${env:SFTP_PASSWORD}"
    ),
    Setting(
        "private_key",
        Kind.SECRET,
        help="Its private key, as OpenSSH or PEM text.",
        example="${file:/run/secrets/id_ed25519}",
    ),
    Setting(
        "passphrase",
        Kind.SECRET,
        help="What the private key is locked with.",
        example="${env:SFTP_PASSPHRASE}",
    ),
    Setting(
        "host_key",
        Kind.TEXT,
        maximum=4_000,
        help="Who the server must be: its fingerprint (`SHA256:…`) or its public key (`ssh-ed25519 AAAA…`); several"
        " with commas between them. Without it nothing is sent: *try it now* shows the fingerprint to be compared.",
        example="SHA256:uNiVztksCsDhcc0u9e8BrYDpGGVwCQvFPsU7LJIFBa0",
    ),
    Setting(
        "folder",
        Kind.TEXT,
        help="Folder on the server below which everything lies. Without it, where the account arrives.",
        example="/outgoing/members",
    ),
)


def build(connection: Connection, _: Outside) -> TreeFiles:
    """The connector of a decoded connection. Raises `Invalid` where it could not sign in."""
    values, secrets = Values(connection.settings), connection.secrets
    problems = refused_host(values)
    if not secrets.get("password") and not secrets.get("private_key"):
        problems.append(Problem(("password",), "is missing: an account needs a password or a private_key."))
    if problems:
        raise Invalid(problems)
    place = place_of(values, PORT)
    account = Account(
        values.text("username"),
        secrets.get("password"),
        secrets.get("private_key"),
        secrets.get("passphrase"),
        values.text("host_key"),
    )
    root = values.text("folder")

    async def open_tree() -> Tree:
        # asyncssh is large: it is loaded when a connection of this type is used
        from hookstation.connectors.sftp.tree import open_session

        return await open_session(place, account, root)

    return TreeFiles(connection.name, "SFTP", open_tree)
