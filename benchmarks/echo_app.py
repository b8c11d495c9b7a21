"""The yardstick: a bare ASGI callable that reads the body and answers, on the station's own HTTP server.

``python -m benchmarks.echo_app`` serves it and prints ``Echo ready at http://...``.
"""

from __future__ import annotations

import asyncio

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from hookstation.web.protocol import BoundedProtocol
from hookstation.web.server import KEEP_ALIVE_SECONDS, reserve

ANSWER = b'{"success": true}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Read all, answer the same."""
    assert scope["type"] == "http"
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


def main() -> None:
    """Serve until a signal, with the settings of `hookstation.web.server`."""
    config = uvicorn.Config(
        echo,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    listening = reserve("127.0.0.1", 0)
    listening.listen(1024)
    print(f"Echo ready at http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve([listening]))


if __name__ == "__main__":
    main()
