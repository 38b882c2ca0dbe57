"""The command line: `fenliu …`. Parses, calls one thing, prints; everything real is built in app.py."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import settings as settings_room
from engine.errors import Fault, FenliuError, Refused
from engine.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Fenliu 分流")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 = any free one.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder for store, secrets, tokens and model.")]
RulesDir = Annotated[Path | None, typer.Option("--rules", help="The city's rules folder.")]
Store = Annotated[str | None, typer.Option(help="redis:// or rediss:// address; none = an embedded server.")]


def _settings(**given: Any) -> Settings:
    """Settings of the environment, with what was given on the command line before them."""
    named = {name: str(value) for name, value in given.items() if value is not None}
    return replace(settings_room.read(), **named)


def _logging() -> None:
    level = os.environ.get("FENLIU_LOG_LEVEL", "INFO").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)


@app.command()
def serve(
    host: Host = "",
    port: Port = None,
    data_dir: DataDir = None,
    rules: RulesDir = None,
    store: Store = None,
    processes: Annotated[int | None, typer.Option(help="API processes.")] = None,
    public: Annotated[bool, typer.Option(help="Listen beyond loopback with generated secrets and tokens.")] = False,
) -> None:
    """Run the service until Ctrl-C."""
    from engine import app as composition
    from engine import keeping, rulebook
    from engine.supervisor import Supervisor, listen

    _logging()
    chosen = _settings(
        host=host or None, port=port, data_dir=data_dir, rules_dir=rules, store_url=store, processes=processes
    )
    if keeping.generated(chosen) and chosen.host not in _LOOPBACK and not public:
        raise _refuse_listening(chosen.host)
    folder = composition.data_dir(chosen)
    book = rulebook.load(composition.source_of(chosen))
    for line in keeping.prepare(chosen, book.city):
        typer.echo(f"made {line}", err=True)
    opened = listen(chosen.host, chosen.port_number)
    chosen = replace(chosen, port=str(opened.getsockname()[1]))
    environ = os.environ | settings_room.as_environ(chosen)
    supervisor = Supervisor(folder)
    if not chosen.store_url:
        supervisor.add_store()
        supervisor.start("store")
        if not supervisor.wait_for_store():
            supervisor.stop()
            raise typer.Exit(1)
    for n in range(chosen.process_count):
        supervisor.add(f"api-{n}", ["api", "--fd", str(opened.fileno())], environ, (opened,))
    supervisor.add("worker", ["worker"], environ)
    typer.echo(f"Fenliu 分流 · {book.city.name} · http://{chosen.host}:{chosen.port}/", err=True)
    supervisor.run()


def _refuse_listening(host: str) -> Refused:
    """Generated secrets and tokens are for this machine only."""
    what = "would listen beyond this machine with secrets and tokens that Fenliu made itself"
    right = "set FENLIU_WEBHOOK_SECRETS and FENLIU_TOKENS_FILE, or say --public"
    return Refused(Fault(f"--host {host}", what, right))


@app.command(hidden=True)
def api(fd: Annotated[int, typer.Option()]) -> None:
    """One API process on a listening socket of the supervisor."""
    import uvicorn

    from engine.app import make_app

    _logging()
    config = uvicorn.Config(
        make_app(settings_room.read()),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
        backlog=2048,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])


@app.command(hidden=True)
def worker() -> None:
    """One worker process."""
    import signal

    import uvloop

    from engine.app import run_worker

    _logging()

    async def until_told() -> None:
        task = asyncio.create_task(run_worker(settings_room.read()))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(until_told())


@app.command()
def classify(
    file: Annotated[str, typer.Argument(help="JSON lines with `text`; - reads standard input.")] = "-",
    rules: RulesDir = None,
    data_dir: DataDir = None,
) -> None:
    """Read texts, write what the classifier says, one JSON line each."""
    from classifiers.commands import classify_stream
    from engine import app as composition
    from engine import rulebook

    chosen = _settings(rules_dir=rules, data_dir=data_dir)
    reader = rulebook.reader_of(composition.source_of(chosen))
    source = sys.stdin if file == "-" else Path(file).open(encoding="utf-8")  # noqa: SIM115 - closed with the process
    raise typer.Exit(classify_stream(source, sys.stdout, reader))


@app.command()
def doctor(data_dir: DataDir = None, rules: RulesDir = None, store: Store = None) -> None:
    """Look at rules, store and queues and say what is wrong."""
    from engine.doctor import examine

    chosen = _settings(data_dir=data_dir, rules_dir=rules, store_url=store)
    findings = asyncio.run(examine(chosen))
    for ok, what in findings:
        typer.echo(f"{'ok ' if ok else 'BAD'} {what}")
    raise typer.Exit(0 if all(ok for ok, _ in findings) else 1)


@app.command("settings")
def show_settings() -> None:
    """Every setting with its default and what it means."""
    for name, default, text in settings_room.table():
        typer.echo(f"{name:28} {default or '-':12} {text}")


@app.command(hidden=True)
def docs(folder: Annotated[Path, typer.Argument()] = Path("docs")) -> None:
    """Write the pages of docs/ that are made from the code."""
    from engine import generated

    for path in generated.write(folder):
        typer.echo(path)


def _mount() -> None:
    """Commands that live beside what they command."""
    from classifiers.commands import make_app as classifier_app
    from engine import app as composition
    from engine import rulebook, ruleset
    from engine.alerting.commands import make_app as rules_app
    from load_tests import commands as load

    def city() -> Any:
        return ruleset.load(_settings().rules)

    def reader(folder: Path) -> Any:
        return rulebook.reader_of(replace(composition.source_of(_settings()), rules_dir=folder)).read

    app.add_typer(rules_app(ruleset.load, lambda folder: ruleset.check(folder)[0], reader), name="rules")
    app.add_typer(classifier_app(city, lambda: _settings().data / "model"), name="classifier")
    load.mount(app)


def main() -> None:
    """Entry point: what is refused is said in words, without a traceback."""
    with contextlib.suppress(ImportError):
        _mount()
    try:
        app()
    except FenliuError as error:
        typer.echo(f"fenliu: {error}", err=True)
        raise SystemExit(2) from None
    except BrokenPipeError:
        raise SystemExit(0) from None


def dump(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
