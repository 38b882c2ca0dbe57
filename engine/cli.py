"""The command line: `fenliu …`. Parses, calls one thing, prints; everything real is built in app.py."""

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import logs, tracing
from engine import settings as settings_room
from engine.errors import Fault, FenliuError, Refused
from engine.model.values import replace
from engine.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Fenliu 分流")

_PROCESSES = (["ready"], ["api"], ["worker"], ["console"])
"""Children of the supervisor: they start without the commands for people, which cost a second."""

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
    chosen = settings_room.read()
    level = os.environ.get("FENLIU_LOG_LEVEL", "INFO").upper()
    logs.start(level, chosen.log_format, calls=chosen.log_calls == "1")


@app.command()
def serve(
    host: Host = "",
    port: Port = None,
    data_dir: DataDir = None,
    rules: RulesDir = None,
    store: Store = None,
    processes: Annotated[int | None, typer.Option(help="API processes.")] = None,
    console: Annotated[bool, typer.Option(help="The command room's pages.")] = True,
    public: Annotated[bool, typer.Option(help="Listen beyond loopback with generated secrets and tokens.")] = False,
) -> None:
    """Run the service until Ctrl-C."""
    from engine.serving import serving

    _logging()
    chosen = _settings(
        host=host or None, port=port, data_dir=data_dir, rules_dir=rules, store_url=store, processes=processes
    )
    serving(chosen, console=console, public=public)


@app.command()
def demo(port: Port = None, data_dir: DataDir = None, rules: RulesDir = None) -> None:
    """Everything at once on this machine: service, console, simulated bodies, sample calls for ever."""
    from engine.serving import demonstrating

    _logging()
    demonstrating(_settings(port=port, data_dir=data_dir, rules_dir=rules))


@app.command("try")
def try_all(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    rules: RulesDir = None,
    keep: Annotated[bool, typer.Option(help="Keep the temporary data dir and its logs.")] = False,
) -> None:
    """Play the sample calls on a temporary store until every loop is closed, and reconcile call by call."""
    from engine.serving import trying

    raise typer.Exit(trying(_settings(rules_dir=rules), as_json=as_json, keep=keep))


@app.command(hidden=True)
def ready() -> None:
    """What must be there before the other processes start."""
    from engine.readying import readying

    _logging()
    readying(settings_room.read())


@app.command(hidden=True)
def api(fd: Annotated[int, typer.Option()]) -> None:
    """One API process on a listening socket of the supervisor."""
    import uvicorn

    from engine.app import make_app
    from engine.bounds import Limits, bounded

    _logging()
    chosen = settings_room.read()
    tracing.start(chosen.traces, "api")
    config = uvicorn.Config(
        make_app(chosen),
        loop="uvloop",
        http=bounded(Limits(arrive_s=chosen.arrive_s)),
        ws_max_size=1 << 20,
        log_config=None,
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
        chosen = settings_room.read()
        tracing.start(chosen.traces, "worker")
        task = asyncio.create_task(run_worker(chosen))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(until_told())


@app.command(hidden=True, name="console")
def run_console() -> None:
    """The console process."""
    from engine.app import run_console as run

    _logging()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(settings_room.read()))


@app.command()
def classify(
    file: Annotated[str, typer.Argument(help="JSON lines with `text`; - reads standard input.")] = "-",
    rules: RulesDir = None,
    data_dir: DataDir = None,
    groups: Annotated[
        str, typer.Option(help="Sort into these groups only, as a mailbox has them: 城乡建设,环境保护.")
    ] = "",
) -> None:
    """Read texts, write what the classifier says, one JSON line each."""
    from classifiers.commands import classify_stream, groups_asked
    from engine import at_store, rulebook

    chosen = _settings(rules_dir=rules, data_dir=data_dir)
    reader = rulebook.reader_of(at_store.source_of(chosen))
    asked = groups_asked(groups, reader)
    source = sys.stdin if file == "-" else Path(file).open(encoding="utf-8")  # noqa: SIM115 - closed with the process
    raise typer.Exit(classify_stream(source, sys.stdout, reader, asked))


@app.command()
def doctor(data_dir: DataDir = None, rules: RulesDir = None, store: Store = None) -> None:
    """Look at rules, store and queues and say what is wrong."""
    from engine.doctor import examine

    chosen = _settings(data_dir=data_dir, rules_dir=rules, store_url=store)
    findings = asyncio.run(examine(chosen))
    for ok, what in findings:
        typer.echo(f"{'ok ' if ok else 'BAD'} {what}")
    raise typer.Exit(0 if all(ok for ok, _ in findings) else 1)


@app.command()
def archive(data_dir: DataDir = None, rules: RulesDir = None, store: Store = None) -> None:
    """Move what is settled from the store to the history now (the worker does it every night)."""
    from engine.app import archive_once

    moved = asyncio.run(archive_once(_settings(data_dir=data_dir, rules_dir=rules, store_url=store)))
    typer.echo(f"{moved} records moved to the history")


@app.command()
def bulletin(
    day: Annotated[str, typer.Option(help="Local date, 2026-11-22; none = yesterday.")] = "",
    week: Annotated[bool, typer.Option("--week", help="Of the week, Monday to Sunday, that the day lies in.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; none = standard output.")] = None,
    data_dir: DataDir = None,
    rules: RulesDir = None,
    store: Store = None,
) -> None:
    """The daily or weekly bulletin in Chinese as a page for print."""
    from datetime import date, timedelta

    from engine.app import bulletin_once

    try:
        chosen = date.fromisoformat(day) if day else date.today() - timedelta(days=1)
    except ValueError:
        raise Refused(Fault("--day", f"{day[:40]!r} is no date", "such as 2026-11-22")) from None
    settings = _settings(data_dir=data_dir, rules_dir=rules, store_url=store)
    page = asyncio.run(bulletin_once(settings, chosen.isoformat(), "week" if week else "day"))
    if out is None:
        typer.echo(page)
    else:
        out.write_text(page, encoding="utf-8")


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
    from engine import alerting, backup_command, people_commands, ruleset
    from engine.alerting.commands import make_app as rules_app
    from engine.comparing_command import make_diff
    from engine.connector.command import connect
    from engine.duties import make_app as duties_app
    from engine.founding.command import make_init
    from load_tests import commands as load
    from load_tests.load_command import loadtest

    def city() -> Any:
        return ruleset.load(_settings().rules)

    def reader(folder: Path) -> Any:
        # A second to import; most commands never read a text.
        from engine import at_store, rulebook

        return rulebook.reader_of(replace(at_store.source_of(_settings()), rules_dir=folder)).read

    def history(file: Path) -> Any:
        from engine.history.lines import lines

        return lines(file)

    def models(folder: Path) -> None:
        alerting.load_models(folder / "alerts", ruleset.load(folder))

    rules = rules_app(ruleset.load, lambda folder: ruleset.check(folder)[0], reader, history)
    rules.command("diff")(make_diff(_settings))
    app.add_typer(rules, name="rules")
    app.command("init")(make_init(lambda: _settings().rules, models))
    app.add_typer(classifier_app(city, lambda: _settings().data / "model"), name="classifier")

    def text_reader(folder: Path, _: Any) -> Any:
        return reader(folder)

    app.command()(connect)
    app.add_typer(duties_app(lambda rules: _settings(rules_dir=rules).rules, text_reader), name="duties")
    app.add_typer(people_commands.make_audit_app(_settings), name="audit")
    app.add_typer(people_commands.make_person_app(_settings), name="person")
    app.command()(people_commands.make_retention(_settings))
    backup_command.add_to(app, _settings)
    for command in (load.bodies, load.send, load.trial, loadtest):
        app.command(hidden=command is load.trial)(command)


def main() -> None:
    """Entry point: what is refused is said in words, without a traceback."""
    if sys.argv[1:2] not in _PROCESSES:
        _mount()
    try:
        app()
    except FenliuError as error:
        typer.echo(f"fenliu: {error}", err=True)
        raise SystemExit(2) from None
    except BrokenPipeError:
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
