"""Typer functions that `fenliu` mounts: bodies, send, trial (loadtest is in load_command.py)."""

import asyncio
import contextlib
import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer

from load_tests.bodies import run
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
