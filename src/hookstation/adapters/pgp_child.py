"""The process in which a stream is encrypted: the library does not let other Python code run while it waits for data.

Run as a script: arguments are the public keys; what comes in goes out encrypted.
"""

from __future__ import annotations

import sys


def main(keys: list[str]) -> None:
    """Encrypt standard input to standard output."""
    from pysequoia import Cert, encrypt_file

    encrypt_file("/dev/stdin", "/dev/stdout", [Cert.from_bytes(key.encode()) for key in keys], armor=False)


if __name__ == "__main__":
    main(sys.argv[1:])
