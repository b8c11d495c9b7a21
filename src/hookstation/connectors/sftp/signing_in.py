"""Opening an SSH connection: the address judged, the server's key known, nothing of this machine's user taken."""

from __future__ import annotations

import asyncio

import asyncssh

from hookstation.connectors.hosts import Place, connect
from hookstation.connectors.sftp.account import Account
from hookstation.errors import ActionFailed, NeedsAuth, Retriable, Terminal


class _Witness(asyncssh.SSHClient):
    """Sees the key that the server shows."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.fingerprint = ""

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        """Whether it is one that the connection names."""
        self.fingerprint = key.get_fingerprint("sha256")
        return self._account.trusts(self.fingerprint, key.export_public_key().decode())


async def sign_in(place: Place, account: Account) -> asyncssh.SSHClientConnection:
    """A connection to the server. Raises `ActionFailed`; where its key is not known, with the key's fingerprint."""
    keys = _keys(account)
    way = await connect(place)
    witness = _Witness(account)
    try:
        async with asyncio.timeout(place.timeout):
            return await asyncssh.connect(
                place.host,
                place.port,
                sock=way,
                config=None,
                client_factory=lambda: witness,
                known_hosts=([], [], []),
                username=account.username,
                password=account.password.reveal() if account.password else None,
                client_keys=keys,
                agent_path=None,
                gss_auth=False,
                gss_kex=False,
                x509_trusted_certs=None,
                preferred_auth="publickey,password,keyboard-interactive",
                keepalive_interval=place.timeout,
                keepalive_count_max=2,
            )
    except (asyncssh.Error, OSError, TimeoutError, ValueError) as error:
        way.close()
        raise _refusal(error, account, witness.fingerprint) from None
    except BaseException:
        way.close()
        raise


def _keys(account: Account) -> list[asyncssh.SSHKey]:
    if account.private_key is None:
        return []
    passphrase = account.passphrase.reveal() if account.passphrase else None
    try:
        return [asyncssh.import_private_key(account.private_key.reveal(), passphrase)]
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        raise NeedsAuth(
            "The private key of the connection cannot be read: give it as OpenSSH or PEM text, and its passphrase.",
            detail=str(error),
        ) from None


def _refusal(error: Exception, account: Account, fingerprint: str) -> ActionFailed:
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return Terminal(_unknown_server(account, fingerprint), detail=str(error))
        case asyncssh.PermissionDenied():
            return NeedsAuth(
                f"The server refuses the account “{account.username}”: look at its name, password and key.",
                detail=str(error),
            )
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported():
            return Terminal(
                "The server and the station have no way of encrypting in common; the server must offer a newer one.",
                detail=str(error),
            )
        case TimeoutError():
            return Retriable("The server did not answer in time; nothing was sent.")
        case _:
            return Retriable("The server broke the connection off; nothing was sent.", detail=str(error))


def _unknown_server(account: Account, fingerprint: str) -> str:
    if not account.host_key:
        return (
            f"The server shows the key {fingerprint}. Ask whoever runs it whether that is right, then put it under"
            " `host_key`; nothing is sent before."
        )
    return (
        f"The server shows another key than the one under `host_key`: {fingerprint}. Someone may be in between. Only"
        " where whoever runs it says that its key has changed, put this one there."
    )
