"""Settings: one frozen object, read once from the environment; each field carries its help text."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from engine.errors import Fault, Refused

_RULES = Path(__file__).resolve().parent.parent / "rules"


def _help(text: str, default: str) -> str:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Settings:
    """Every setting is the environment variable `FENLIU_<NAME>`; a command-line option goes before it."""

    store_url: str = _help("redis:// or rediss:// address; empty = an embedded server inside the data dir", "")
    data_dir: str = _help("folder for the embedded store, secrets, tokens, the trained model", "data")
    host: str = _help("address to listen on", "127.0.0.1")
    port: str = _help("port to listen on", "8110")
    rules_dir: str = _help("the city's rules folder; empty = the sample city", "")
    webhook_secrets: str = _help("space separated whsec_… of the call centre; several during rotation", "")
    tokens_file: str = _help("YAML: bearer token → name, role, body; empty = tokens.yaml in the data dir", "")
    city: str = _help("id the rules folder must have; empty = whatever it has", "")
    bodies_url: str = _help("base address that fills {bodies_url} of bodies.yaml", "")
    privacy_key: str = _help("64 hex digits for hashing and sealing; empty = privacy_key in the data dir", "")
    body_secrets_file: str = _help("YAML: secret name → whsec_…; empty = body_secrets.yaml in the data dir", "")
    processes: str = _help("API processes", "1")
    calls_per_second: str = _help("signed calls a second taken under one secret (429 beyond; 0 = no bound)", "2000")
    requests_per_second: str = _help("requests a second taken with one token (429 beyond; 0 = no bound)", "500")
    opinion_ms: str = _help(
        "longest wait for the second opinion (fenliu[onnx], folder `opinion` of the data dir) on an unsure call, "
        "milliseconds; 0 = it is never asked",
        "150",
    )
    request_seconds: str = _help("time in which a request must have arrived whole", "20")
    log_format: str = _help("text = lines for people, json = one JSON object a line", "text")
    log_calls: str = _help("1 = a line for every call decided and every message settled (ids, nobody's data)", "")
    traces: str = _help("OpenTelemetry spans (fenliu[otel]): otlp, or file:FOLDER; empty = none", "")
    store_replicas_ack: str = _help("replicas of an outside store that must have a call before it is answered", "0")
    movable_clock: str = _help("1 = tests may move the clock (file clock_offset in the data dir)", "")
    open_console: str = _help("1 = the console needs no sign-in on loopback (demonstration)", "")

    @property
    def data(self) -> Path:
        """The data dir."""
        return Path(self.data_dir)

    @property
    def rules(self) -> Path:
        """The rules folder."""
        return Path(self.rules_dir) if self.rules_dir else _RULES

    @property
    def port_number(self) -> int:
        """The port, checked."""
        return self._number("port", 0, 65535)

    @property
    def process_count(self) -> int:
        """API processes, 1–64."""
        return self._number("processes", 1, 64)

    @property
    def calls_a_second(self) -> int:
        """Signed calls a second under one secret; 0 = no bound."""
        return self._number("calls_per_second", 0, 1_000_000)

    @property
    def requests_a_second(self) -> int:
        """Requests a second with one token; 0 = no bound."""
        return self._number("requests_per_second", 0, 1_000_000)

    @property
    def arrive_s(self) -> int:
        """Seconds in which a request must have arrived."""
        return self._number("request_seconds", 1, 3600)

    @property
    def opinion_wait_s(self) -> float:
        """Seconds an unsure call waits for the second opinion; 0 = it is not asked."""
        return self._number("opinion_ms", 0, 2000) / 1000

    @property
    def replicas_ack(self) -> int:
        """Replicas that must confirm, 0–5."""
        return self._number("store_replicas_ack", 0, 5)

    def _number(self, name: str, low: int, high: int) -> int:
        value = getattr(self, name)
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise Refused(Fault(f"FENLIU_{name.upper()}", f"{value!r} will not do", f"a number from {low} to {high}"))
        return int(value)


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process."""
    names = {f.name: f"FENLIU_{f.name.upper()}" for f in fields(Settings)}
    return Settings(**{name: environ[variable] for name, variable in names.items() if environ.get(variable)})


def table() -> list[tuple[str, str, str]]:
    """(variable, default, help) of every setting, for the docs."""
    return [(f"FENLIU_{f.name.upper()}", str(f.default), f.metadata["help"]) for f in fields(Settings)]


def as_environ(settings: Settings) -> dict[str, str]:
    """The same settings as environment variables, for child processes."""
    return {f"FENLIU_{f.name.upper()}": str(getattr(settings, f.name)) for f in fields(Settings)}
