"""`fenliu loadtest`: one shape, or a step-up search; prints, writes JSON and HTML, exits by the goals."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from load_tests import shapes
from load_tests.calls import load
from load_tests.campaign import Done, campaign, line, told
from load_tests.faults import FAULTS
from load_tests.loadtest import on_loopback
from load_tests.measures import Goals
from load_tests.own import Own, own_service
from load_tests.page import page
from load_tests.running import Asked, climb, run
from load_tests.saying import said

_MOST_WITH_FAULTS = 10.0
"""Calls a second: more than a big city has, few enough that everything can be matched."""
_LOCAL = "http://127.0.0.1:8110"
_SHAPES = "; ".join(f"{name}: {shape.says}" for name, shape in shapes.SHAPES.items())


def loadtest(
    api: Annotated[str, typer.Option("--api", help="Address of the running service, on loopback.")] = _LOCAL,
    data_dir: Annotated[Path, typer.Option(help="Its data dir: secrets, tokens, the movable clock.")] = Path("data"),
    own: Annotated[bool, typer.Option("--own", help="Start a service and bodies for this run, and end them.")] = False,
    shape: Annotated[str, typer.Option(help=f"steady; {_SHAPES}.")] = "steady",
    rate: Annotated[float, typer.Option(help="Calls a second of `steady`, on the average.")] = 50.0,
    seconds: Annotated[float, typer.Option(help="How long calls come in.")] = 30.0,
    calls: Annotated[int, typer.Option(help="How many calls a shape has; 0 = as many as in life.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plan and the same bodies.")] = 1,
    bodies_url: Annotated[str, typer.Option(help="Simulated bodies of the service; may be none.")] = "",
    mix: Annotated[str, typer.Option(help="Bodies of an own service, such as prompt=0.9,dead=0.1.")] = "",
    speed: Annotated[float, typer.Option(help="How many times faster than a demonstration they act.")] = 100.0,
    processes: Annotated[int, typer.Option(help="API processes of an own service.")] = 1,
    model: Annotated[Path, typer.Option(help="A trained classifier for an own service.")] = Path("data/model"),
    climb_ms: Annotated[float, typer.Option("--capacity", help="Search the rate that holds this p99 (ms).")] = 0.0,
    reconcile: Annotated[bool, typer.Option(help="Match calls, orders and messages one by one.")] = True,
    patience: Annotated[float, typer.Option(help="Seconds until everybody must have come to rest.")] = 300.0,
    p99_ms: Annotated[float, typer.Option(help="Goal for answers; 0 = none.")] = 0.0,
    body_p99_ms: Annotated[float, typer.Option(help="Goal for call → order at its body; 0 = none.")] = 0.0,
    reminder_p99_ms: Annotated[float, typer.Option(help="Goal for deadline → reminder; 0 = none.")] = 0.0,
    instruction_p99_ms: Annotated[float, typer.Option(help="Goal for alert → instruction; 0 = none.")] = 0.0,
    against: Annotated[Path | None, typer.Option(help="JSON of an earlier run to compare with.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for loadtest.json and loadtest.html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", "--as-json", help="JSON for programs.")] = False,
    faults: Annotated[str, typer.Option(help=f"Do faults to an own service: all, or of {', '.join(FAULTS)}.")] = "",
    minutes: Annotated[float, typer.Option(help="Go on drawing faults for so long, and match at the end.")] = 0.0,
) -> None:
    """Open arrivals against a service on loopback; exit 0 only if all adds up and every goal is met.

    With --faults: a service of its own is killed, starved and cut off while calls come in; exit 0 only if nothing is
    lost, doubled or stuck and a person was told of each fault.
    """
    if faults:
        raise typer.Exit(
            _with_faults(faults, model, seed, rate, minutes, "" if shape == "steady" else shape, out, as_json)
        )
    goals = Goals(p99_ms, body_p99_ms, reminder_p99_ms, instruction_p99_ms)
    try:
        on_loopback(api)
        samples = load()
        if shape == "steady":
            plan = shapes.steady(samples, rate=rate, seconds=seconds, seed=seed)
        else:
            plan = shapes.plan(shape, samples, seconds=seconds, seed=seed, number=calls)
        before = json.loads(against.read_text("utf-8")) if against else None
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
    asked = Asked(plan, goals, reconcile, patience, f"load-{uuid.uuid4().hex[:8]}")
    with _where(
        Own(api, bodies_url, data_dir), own, model=model, processes=processes, mix=mix, speed=speed, seed=seed
    ) as at:
        shown = asyncio.run(climb(at, asked, rate, climb_ms, seed) if climb_ms else run(at, asked))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "loadtest.json").write_text(json.dumps(shown, ensure_ascii=False, indent=1), "utf-8")
        (out / "loadtest.html").write_text(page(shown, before), "utf-8")
    typer.echo(json.dumps(shown, ensure_ascii=False) if as_json else said(shown, before))
    raise typer.Exit(1 if shown["missed_goals"] else 0)


def _with_faults(
    asked: str, model: Path, seed: int, rate: float, minutes: float, shape: str, out: Path | None, as_json: bool
) -> int:
    kinds = list(FAULTS) if asked == "all" else [k.strip() for k in asked.split(",")]
    if unknown := [k for k in kinds if k not in FAULTS]:
        raise typer.BadParameter(f"no fault {unknown[0]!r}: there are {', '.join(FAULTS)}")
    per_s = min(rate, _MOST_WITH_FAULTS)

    def said(done: Done) -> None:
        if not as_json:
            typer.echo(line(done))

    doing = campaign(model, kinds, seed=seed, per_s=per_s, minutes=minutes, each=not minutes, shape=shape, said=said)
    shown = told(asyncio.run(doing))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "faults.json").write_text(json.dumps(shown, ensure_ascii=False, indent=1), "utf-8")
    counted = ", ".join(f"{kind} {n}" for kind, n in shown["reconciliation"].items())
    typer.echo(json.dumps(shown, ensure_ascii=False) if as_json else f"{shown['calls']} calls; {counted}")
    return 0 if shown["clean"] else 1


@contextmanager
def _where(given: Own, own: bool, **options: Any) -> Iterator[Own]:
    if not own:
        yield given
        return
    with own_service(**options) as started:
        yield started
