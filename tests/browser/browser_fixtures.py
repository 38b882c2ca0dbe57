"""Fixtures of the browser tests: one real service with its console, bodies that listen, Debian's Chromium."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from running import ROOT, Service, serving, until

CHROMIUM = Path("/usr/bin/chromium")
SHOTS = ROOT / "build" / "screenshots"
PICTURES = ROOT / "docs" / "pictures"
SIZES = {"desk": (1366, 768), "wall": (1920, 1080), "phone": (390, 844)}
Open = Callable[..., Page]


@dataclass
class Bodies:
    """All receiving bodies in one listener: keeps what they were sent; `answer` is the status they give."""

    url: str = ""
    answer: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.got if each["type"] == kind]


@pytest.fixture(scope="session")
def bodies() -> Iterator[Bodies]:
    kept = Bodies()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers["content-length"]))
            if kept.answer < 300:
                kept.got.append(json.loads(said) | {"to": self.path})
            self.send_response(kept.answer)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    yield kept
    server.shutdown()


@pytest.fixture(scope="session")
def city_service(tmp_path_factory: pytest.TempPathFactory, model: Path, bodies: Bodies) -> Iterator[Service]:
    """A service with its console; nothing is overdue unless a test moves the clock."""
    with serving(tmp_path_factory.mktemp("browser"), model, rules_copied=True, FENLIU_BODIES_URL=bodies.url) as running:
        until(lambda: running.http.get("/sign-in").status_code == 200, 90)
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@dataclass
class Outside:
    """Requests that left the service's own address, and errors the pages reported."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture(scope="session")
def signed_in() -> dict[tuple[str, str], Any]:
    """The cookie of each role and body that typed its token once."""
    return {}


@pytest.fixture
def open_as(
    city_service: Service, chromium: Browser, outside: Outside, signed_in: dict[tuple[str, str], Any]
) -> Iterator[Open]:
    """`open_as(role, path, body=…, size=…, dark=…)`: a page of somebody who typed their token, today or before."""
    contexts: list[BrowserContext] = []
    base = f"http://127.0.0.1:{city_service.port}"

    def watch(page: Page) -> None:
        own = (base, base.replace("http", "ws", 1), "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(own) else outside.requests.append(r.url))
        page.on("pageerror", lambda e: outside.errors.append(str(e)))

    def opened(role: str, path: str = "/", *, body: str = "", size: str = "desk", dark: bool = False) -> Page:
        width, height = SIZES[size]
        context = chromium.new_context(
            base_url=base,
            viewport={"width": width, "height": height},
            locale="zh-CN",
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        watch(page)
        if cookie := signed_in.get((role, body)):
            context.add_cookies([cookie])
            page.goto(path)
        else:
            page.goto(path)
            page.get_by_label("访问令牌").fill(city_service.token(role, body))
            page.get_by_role("button", name="登录").click()
        page.wait_for_selector(".f-header")
        signed_in[role, body] = next(c for c in context.cookies() if c["name"] == "fenliu_session")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not outside.requests, "the console asked for something outside"
    assert not outside.errors


def shot(page: Page, name: str) -> None:
    """Keep a screenshot as test output."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def picture(page: Page, name: str) -> None:
    """Keep a screenshot; `make pictures` has it put into the docs as well, in few colours so that it stays small."""
    shot(page, name)
    if os.environ.get("FENLIU_PICTURES"):
        from PIL import Image

        PICTURES.mkdir(exist_ok=True)
        with Image.open(SHOTS / f"{name}.png") as taken:
            taken.convert("RGB").quantize(96).save(PICTURES / f"{name}.png", optimize=True)
