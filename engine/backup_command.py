"""`fenliu backup` and `fenliu restore`."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.settings import Settings

MakeSettings = Callable[..., Settings]
File = Annotated[Path, typer.Argument(help="The backup's file.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder for store, secrets, tokens and model.")]
RulesDir = Annotated[Path | None, typer.Option("--rules", help="The city's rules folder.")]
Store = Annotated[str | None, typer.Option(help="redis:// or rediss:// address; none = the embedded server.")]


def add_to(app: typer.Typer, settings: MakeSettings) -> None:
    """Both commands."""

    @app.command()
    def backup(file: File, data_dir: DataDir = None, rules: RulesDir = None, store: Store = None) -> None:
        """Copy store, rules, models, history and keys into one file while the service runs. Keep it safe."""
        from engine.backup import back_up

        made = asyncio.run(back_up(settings(data_dir=data_dir, rules_dir=rules, store_url=store), file))
        typer.echo(f"{file}: the store as at {_said(made.instant)} ({made.records} records), {made.files} files")
        typer.echo(f"writing was held for {made.held_ms:.0f} ms")
        for name in made.outside:
            typer.echo(f"not in it: {name} is set; keep that by yourself")
        typer.echo("It opens all personal data of the city: keep it like the keys themselves (mode 0600).")

    @app.command()
    def restore(file: File, data_dir: DataDir = None, store: Store = None) -> None:
        """Put a backup into an empty data dir (and, with --store, into a store that knows nothing of the city)."""
        from engine.backup import restore as run

        chosen = settings(data_dir=data_dir, store_url=store)
        manifest = asyncio.run(run(chosen, file))
        typer.echo(f"{manifest['city']} is restored as at {_said(manifest['instant'])}")
        where = f" --store {chosen.store_url}" if chosen.store_url else ""
        typer.echo(f"start it: fenliu serve --data-dir {chosen.data} --rules {chosen.data / 'rules'}{where}")


def _said(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds")
