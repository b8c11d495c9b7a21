"""An S3-compatible store (moto) on loopback, in a process of its own: it keeps what it is given in memory."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

ACCESS_KEY: Final = "AKIAEXAMPLE"
SECRET_KEY: Final = "secret/of+the=test"


@contextlib.contextmanager
def running_store() -> Iterator[str]:
    """Its address, without a path."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.s3_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def main() -> None:
    """Serve until the parent closes our input."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
