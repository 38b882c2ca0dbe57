"""Receiving bodies for stories: one real HTTP server that believes only what is signed and keeps what it was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from running import until

Json = dict[str, Any]


class Bodies(ThreadingHTTPServer):
    """Every body of the city under `/bodies/{id}`."""

    def __init__(self) -> None:
        self.heard: list[Json] = []
        self.down: set[str] = set()
        """Bodies that answer 503."""
        super().__init__(("127.0.0.1", 0), _Receive)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of(self, body: str, kind: str = "", order: str = "") -> list[Json]:
        """Messages a body took, oldest first."""
        return [
            m
            for m in list(self.heard)
            if m["body"] == body and kind in ("", m["type"]) and order in ("", m["data"].get("order_id"))
        ]

    def wait(self, body: str, kind: str, order: str = "", seconds: float = 20.0) -> Json:
        """The newest such message, once there is one."""
        found: list[Json] = until(lambda: self.of(body, kind, order), seconds)
        return found[-1]


class _Receive(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        server: Any = self.server
        body = self.path.rsplit("/", 1)[1]
        if body in server.down:
            self.send_response(503)
            self.end_headers()
            return
        server.heard.append(msgspec.json.decode(raw) | {"body": body, "headers": dict(self.headers)})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def receiving() -> Iterator[Bodies]:
    """The server, running."""
    bodies = Bodies()
    threading.Thread(target=bodies.serve_forever, daemon=True).start()
    yield bodies
    bodies.shutdown()
    bodies.server_close()
