"""Typer functions that `fenliu` mounts: bodies, send, trial, loadtest."""

import asyncio
import contextlib
import json
import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer

from load_tests import arrivals
from load_tests.bodies import run
from load_tests.loadtest import figures, missed_goals, on_loopback, run_load
from load_tests.personas import read_mix
from load_tests.report import print_report, report_of
from load_tests.sender import play_forever
from load_tests.trial import run_trial

ApiUrl = Annotated[str, typer.Option("--api", help="Address of the running service.")]
DataDir = Annotated[Path, typer.Option("--data-dir", help="Its data dir: secrets, tokens, the movable clock.")]
Json = Annotated[bool, typer.Option("--json", "--as-json", help="JSON for programs.")]
_LOCAL = "http://127.0.0.1:8110"


def bodies(
    port: Annotated[int, typer.Option(help="Port on loopback.")] = 8111,
    api: ApiUrl = _LOCAL,
    data_dir: DataDir = Path("data"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same people.")] = 1,
    mix: Annotated[str, typer.Option(help="Shares, such as prompt=0.7,silent=0.3; empty = a lifelike mix.")] = "",
    speed: Annotated[float, typer.Option(help="1 = people of the demonstration, 100 = people of a trial.")] = 1.0,
) -> None:
    """Play every receiving body and the command room's people over HTTP."""
    try:
        shares = read_mix(mix)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--mix") from None
    run(port, api, data_dir, seed, shares, speed)


def send(
    api: ApiUrl = _LOCAL,
    data_dir: DataDir = Path("data"),
    pace: Annotated[float, typer.Option(help="How many times faster than written the sample calls are played.")] = 4.0,
    quiet: Annotated[bool, typer.Option(help="Say nothing of single calls.")] = False,
) -> None:
    """Play the sample calls through the signed webhook, for ever, each with a fresh time."""

    def said(line: str) -> None:
        if not quiet:
            typer.echo(line)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(play_forever(api, data_dir, f"play-{uuid.uuid4().hex[:8]}", pace, said))


def trial(
    api: ApiUrl = _LOCAL,
    data_dir: DataDir = Path("data"),
    bodies_url: Annotated[str, typer.Option(help="Address of the simulated bodies.")] = "http://127.0.0.1:8111",
    at_once: Annotated[int, typer.Option(help="Calls under way at once.")] = 8,
    patience: Annotated[float, typer.Option(help="Seconds until a loop that is not closed counts as stuck.")] = 300.0,
    name: Annotated[str, typer.Option("--run", help="The same name on a fresh store gives the same run.")] = "",
    as_json: Json = False,
) -> None:
    """Send the sample calls, wait until every loop is closed, reconcile; exit 0 only if all adds up."""

    def said(line: str) -> None:
        print(line, file=sys.stderr)

    run_it = run_trial(api, data_dir, bodies_url, at_once=at_once, patience_s=patience, run=name, said=said)
    seen = asyncio.run(run_it)
    report = report_of(seen)
    print_report(report, as_json=as_json)
    raise typer.Exit(0 if report["ok"] else 1)


def loadtest(
    api: ApiUrl = _LOCAL,
    data_dir: DataDir = Path("data"),
    rate: Annotated[float, typer.Option(help="Calls a second, on the average.")] = 50.0,
    seconds: Annotated[float, typer.Option(help="How long calls come in.")] = 30.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same schedule.")] = 1,
    bodies_url: Annotated[str, typer.Option(help="Simulated bodies, for call → order at its body; may be none.")] = "",
    p99_ms: Annotated[float, typer.Option(help="Goal for answers; 0 = none.")] = 0.0,
    body_p99_ms: Annotated[float, typer.Option(help="Goal for call → order at its body; 0 = none.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Open arrivals against a service on loopback; exit 0 only if every call was made, answered, and in time."""
    try:
        due = arrivals.schedule(rate, seconds, seed)
        on_loopback(api)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    seen = asyncio.run(run_load(api, data_dir, due, name=f"load-{uuid.uuid4().hex[:8]}", bodies_url=bodies_url))
    shown = figures(seen)
    shown["missed_goals"] = missed_goals(shown, p99_ms=p99_ms, body_p99_ms=body_p99_ms)
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=None if as_json else 2))
    raise typer.Exit(1 if shown["missed_goals"] else 0)
