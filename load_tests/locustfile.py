"""Locust drives the same signed calls, with its web page: `locust -f load_tests/locustfile.py --host http://127.0.0.1:8110`.

An extra (`pip install 'fenliu[locust]'`). `--data-dir` names the service's data dir, for its webhook secret. Locust's
users wait for their answers, so its latencies leave out what a stalled service would have been sent meanwhile; figures
to rely on come from `fenliu loadtest`, which sends by a plan.
"""

import itertools
import time
import uuid
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task

from load_tests import signing
from load_tests.calls import load
from load_tests.shapes import usual

_SAMPLES = load()
_NUMBERS = itertools.count()
_RUN = uuid.uuid4().hex[:8]


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust is not in our environment
def _arguments(parser: Any) -> None:
    parser.add_argument("--data-dir", default="data", help="The service's data dir: holds webhook_secret.")
    parser.add_argument("--calls-per-second", type=float, default=1.0, help="Of each simulated call-taker.")


class CallTaker(FastHttpUser):  # type: ignore[misc]  # Locust has no types
    """One call-taker's place: a call every so often, each signed, answered, and looked at."""

    connection_timeout = network_timeout = 10.0

    def on_start(self) -> None:
        """Read the secret once."""
        given = self.environment.parsed_options
        self._secret = (Path(given.data_dir) / "webhook_secret").read_text("utf-8").split()[0]

    def wait_time(self) -> float:
        """Until the next call."""
        return float(constant_throughput(self.environment.parsed_options.calls_per_second)(self))

    @task  # type: ignore[untyped-decorator]  # nor has this
    def call(self) -> None:
        """One call of the sample city; an answer without a decision counts as failed."""
        number, now = next(_NUMBERS), time.time()
        sample, turn = usual(_SAMPLES, number)
        body = sample.body(now, turn)
        headers = signing.headers(self._secret, f"locust-{_RUN}-{number}", body, now)
        with self.client.post("/v1/calls", data=body.encode(), headers=headers, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {(answer.text or '')[:120]}")
            elif "decision" not in (answer.json() or {}):
                answer.failure("no decision in the answer")
