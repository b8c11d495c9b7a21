"""What FTP's answers mean (RFC 959, section 4.2): one table for every command."""

from __future__ import annotations

import ftplib
import ssl
from typing import Final

from hookstation.connectors.ftps.client import NoTls
from hookstation.connectors.hosts import refused_tls
from hookstation.errors import Busy, HookstationError, NeedsAuth, NotFound, Retriable, Terminal

FOREIGN: Final = (ftplib.Error, OSError, EOFError, NoTls, ValueError, UnicodeError)
"""Everything that ftplib lets out of a session: answers, the socket's and TLS's errors, and what it will not send."""

FORBIDDEN: Final = ("permission", "denied", "not allowed", "forbidden", "not enough privileges", "access")


def code_of(error: BaseException) -> str:
    """The three digits of an answer; empty where the error is no answer."""
    return str(error)[:3] if isinstance(error, ftplib.Error) else ""


def translate(error: Exception, path: str) -> HookstationError:
    """What an error means that came while something was done about `path`."""
    detail = f"{type(error).__name__}: {error}"
    match error:
        case NoTls():
            return Terminal(
                "The server offers no TLS for signing in. Try `security: implicit`; `none` would send the password in"
                " the clear.",
                detail=detail,
            )
        case ssl.SSLError():
            return refused_tls(error)
        case ftplib.error_perm():
            return _refused(error, path, detail)
        case ftplib.error_temp() if code_of(error) == "452":
            return Retriable("The server has no room for the file; make some there.", detail=detail)
        case ftplib.error_temp() if code_of(error) in ("421", "450"):
            return Busy("The server is busy.", detail=detail)
        case TimeoutError():
            return Retriable("The server did not answer in time.", detail=detail)
        case UnicodeError():
            return Retriable("The server's answer is not UTF-8; its names cannot be read.", detail=detail)
        case ValueError():
            return Terminal("A path or an account holds a line break.", detail=detail)
        case _:
            return Retriable("The connection to the server broke.", detail=detail)


def _refused(error: ftplib.error_perm, path: str, detail: str) -> HookstationError:
    code, words = code_of(error), str(error).lower()
    if code in ("530", "532"):
        return NeedsAuth("The server refuses the account: look at its name and password.", detail=detail)
    if code == "550" and not any(word in words for word in FORBIDDEN):
        return NotFound("file or folder", path)
    if code in ("550", "553"):
        return Terminal(
            f"The server does not let the account use “{path}”; ask for the right to.", detail=detail
        )
    if code == "552":
        return Retriable("The server has no room for the file; make some there.", detail=detail)
    if code in ("521", "522", "534"):
        return Terminal("The server asks for another kind of TLS; look at `security`.", detail=detail)
    return Terminal(f"The server refused to do this with “{path}”; the log says what it said.", detail=detail)
