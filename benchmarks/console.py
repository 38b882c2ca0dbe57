"""How fluent the board is with many open orders: first view, and how soon a call is seen while others come in.

`python -m benchmarks.console [--orders 5000] [--rate 100] [--seconds 20] [--out FILE]`. A real service with an
embedded store and Debian's Chromium, all on this machine: they share its cores, so a machine of its own for the
browser is faster. "Seen" counts from the webhook's answer (the call is decided then) to the row in the page.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from running import Service, serving, trained_model

from engine.model.change import Change
from engine.model.order import Order
from engine.model.values import replace
from engine.store import commits, embedded, views
from engine.store.client import Client

TEXTS = (
    "鼓澜街道钟潮社区路灯坏了好几天", "听潮街道观澜社区有人打架", "新渡街道科汇社区井盖坏了", "盐埠街道七星塘社区停水",
    "鼓澜街道官船社区半夜施工太吵", "听潮街道老旧小区楼道堆杂物", "新渡街道渡口社区两车追尾没人受伤",
)  # fmt: skip
HOUR = 3_600_000
WATCH = """() => {
  window.seen = {};
  const look = () => document.querySelectorAll('.b-call-text').forEach((e) => {
    const n = /第(\\d+)号/.exec(e.textContent); if (n && !(n[1] in window.seen)) window.seen[n[1]] = Date.now(); });
  const all = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.querySelector('.b-call-list'), all);
}"""

COUNTED = """n => document.querySelector('.b-scroll .b-row')
  && +document.querySelector('.b-count-all b').textContent >= n"""


async def fill(service: Service, samples: list[str], wanted: int) -> None:
    """Open orders like those the sample calls made, their clocks running for hours."""
    client = Client(embedded.url(service.data))
    await client.open()
    found = [await views.order(client, "cj", order_id) for order_id in samples]
    dice, now = random.Random(1), service.now_ms()
    for start in range(0, wanted, 50):
        made = tuple(_like(found[n % len(found)], n, now, dice) for n in range(start, min(wanted, start + 50)))
        await commits.commit(client, "cj", Change(orders=made), now=now)
    await client.close()


def _like(order: Order, n: int, now: int, dice: random.Random) -> Order:
    at = now + dice.randrange(HOUR, 40 * HOUR)
    due = replace(order.due, at=at) if order.due else None
    summary, opened = f"{order.summary} {n}", now - dice.randrange(HOUR)
    return replace(
        order, order_id=f"O-b{n:06d}", version=1, due=due, alarm_at=at, opened_at=opened, call_ids=(), summary=summary
    )


@contextmanager
def coming(service: Service, rate: float, answered: dict[int, float]) -> Iterator[None]:
    """Calls at a steady rate until the block ends; `answered` gets when each was answered (s since 1970)."""
    stop = threading.Event()

    def send(n: int) -> None:
        text = f"{TEXTS[n % len(TEXTS)]}，第{n}号"
        if service.send(service.call(text, caller={"phone": f"138{n:08d}"})).status_code == 200:
            answered[n] = time.time()

    def run() -> None:
        start, n = time.monotonic(), 0
        with ThreadPoolExecutor(16) as pool:
            while not stop.wait(max(0.0, start + n / rate - time.monotonic())):
                pool.submit(send, n)
                n += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def first_view(browser: Browser, service: Service, orders: int) -> tuple[float, Page]:
    """Seconds from the navigation to a board that shows rows and counts all orders."""
    page = browser.new_page(base_url=f"http://127.0.0.1:{service.port}", viewport={"width": 1366, "height": 768})
    page.goto("/sign-in")
    page.get_by_label("访问令牌").fill(service.token("dispatcher"))
    page.get_by_role("button", name="登录").click()
    page.wait_for_selector(".b-scroll .b-row")
    page.goto("/sign-in")
    began = time.perf_counter()
    page.goto("/", wait_until="commit")
    page.wait_for_function(COUNTED, arg=orders)
    return time.perf_counter() - began, page


def measure(orders: int, rate: float, seconds: float) -> dict[str, Any]:
    """All figures of one run."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        model = trained_model(ROOT / "build" / "test_model")
        with serving(Path(folder) / "data", model, FENLIU_BODIES_URL="http://127.0.0.1:9") as service:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            made = [service.answer(t, caller={"phone": f"1370000{n:04d}"})["order_id"] for n, t in enumerate(TEXTS)]
            _in_thread(fill(service, [i for i in made if i], orders))
            service.kill("console")  # it reads everything anew, as after a restart
            time.sleep(5)
            views_s = []
            for _ in range(5):
                took, page = first_view(browser, service, orders)
                views_s.append(took)
                page.close()  # one screen watches: each more would take its share of this machine's cores
            page = first_view(browser, service, orders)[1]
            page.evaluate(WATCH)
            answered: dict[int, float] = {}
            with coming(service, rate, answered):
                time.sleep(seconds)
                busy_view, other = first_view(browser, service, orders)
                other.close()
            page.wait_for_timeout(2000)
            seen = {int(n): at / 1000 for n, at in page.evaluate("window.seen").items()}
            browser.close()
    waits = sorted(seen[n] - at for n, at in answered.items() if n in seen)
    return {
        "orders": orders, "rate_wanted": rate, "rate_answered": round(len(answered) / seconds, 1),
        "first_view_s": {"median": round(statistics.median(views_s), 2), "worst": round(max(views_s), 2)},
        "first_view_while_busy_s": round(busy_view, 2),
        "seen_s": {"calls": len(waits), "of": len(answered), "median": round(statistics.median(waits), 3),
                   "p95": round(waits[int(len(waits) * 0.95)], 3), "worst": round(waits[-1], 3)},
    }  # fmt: skip


def _in_thread(work: Any) -> None:
    """Playwright keeps an event loop in this thread; another one needs a thread of its own."""
    thread = threading.Thread(target=lambda: asyncio.run(work))
    thread.start()
    thread.join()


def main() -> None:
    """Print the figures and keep them as JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--orders", type=int, default=5000)
    asked.add_argument("--rate", type=float, default=100.0)
    asked.add_argument("--seconds", type=float, default=20.0)
    asked.add_argument("--out", type=Path, default=ROOT / "build" / "bench_console.json")
    given = asked.parse_args()
    found = measure(given.orders, given.rate, given.seconds)
    for name, value in found.items():
        print(f"{name:26} {value}")
    given.out.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
