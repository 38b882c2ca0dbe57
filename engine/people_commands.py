"""`fenliu audit`, `fenliu retention`, `fenliu person`: what whoever answers for personal data types."""

import asyncio
import getpass
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from engine.errors import Fault, Refused
from engine.model.audit import Deed
from engine.model.call import Instant
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.at_store import AtStore
    from engine.auditing import Verified

ROLE = "command line"
# engine.at_store takes a second to import, and most commands never need it: each command here asks for it itself.
MakeSettings = Callable[..., Settings]
DataDir = Annotated[Path | None, typer.Option(help="Folder for store, secrets, tokens and model.")]
RulesDir = Annotated[Path | None, typer.Option("--rules", help="The city's rules folder.")]
Store = Annotated[str | None, typer.Option(help="redis:// or rediss:// address; none = the embedded server.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def deed(at: "AtStore", what: str, subject: str = "", detail: str = "") -> Deed:
    """Something done on the command line by this machine's user."""
    return Deed(at.clock.now(), getpass.getuser(), ROLE, what, subject, detail)


def say(data: Any) -> None:
    """JSON for programs."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=1))


def make_audit_app(settings: MakeSettings) -> typer.Typer:
    """`fenliu audit verify` and `fenliu audit show`."""
    app = typer.Typer(help="The audit trail: who looked at what, who did what.", no_args_is_help=True)

    @app.command()
    def verify(
        end: Annotated[str, typer.Option(help="<number>:<hash> that an earlier verify printed.")] = "",
        as_json: AsJson = False,
        data_dir: DataDir = None,
        rules: RulesDir = None,
        store: Store = None,
    ) -> None:
        """Walk the whole chain; names the first broken entry. Exit 0 only if it holds."""
        found = asyncio.run(_verified(settings(data_dir=data_dir, rules_dir=rules, store_url=store), end))
        if as_json:
            say({"holds": not found.fault, "fault": found.fault, "entries": found.count, "end": found.end})
        else:
            typer.echo(f"BAD {found.fault}" if found.fault else f"ok  {found.count} entries, the chain holds")
            typer.echo(f"end {found.end or '-'}   (write it down elsewhere; --end asks for it later)")
        raise typer.Exit(1 if found.fault else 0)

    @app.command()
    def show(
        subject: Annotated[str, typer.Option(help="Id of a call, order, alert, dossier or model.")] = "",
        person: Annotated[str, typer.Option(help="Name of the token that looked or acted.")] = "",
        since: Annotated[str, typer.Option(help="2026-11-22, or an RFC 3339 time with an offset.")] = "",
        limit: Annotated[int, typer.Option(min=1, max=1_000_000)] = 200,
        as_json: AsJson = False,
        data_dir: DataDir = None,
        rules: RulesDir = None,
        store: Store = None,
    ) -> None:
        """Entries, newest first. That they were shown is an entry too."""
        chosen = settings(data_dir=data_dir, rules_dir=rules, store_url=store)
        found = asyncio.run(_entries(chosen, subject, person, since, limit))
        if as_json:
            say(found)
            return
        for row in found:
            typer.echo(
                f"{row['seq']:>8} {row['at']} {row['who']} ({row['role']}) {row['what']} "
                f"{row['subject']} {row['detail']}"
            )

    return app


async def _verified(chosen: Settings, end: str) -> "Verified":
    from engine.at_store import at_store

    async with at_store(chosen) as at:
        return await at.audit.verify(at.city.id, end)


async def _entries(chosen: Settings, subject: str, person: str, since: str, limit: int) -> list[dict[str, Any]]:
    """The newest entries, and one more in the trail: that they were shown."""
    from engine.at_store import at_store
    from engine.http.audit import entry_view

    async with at_store(chosen) as at:
        first, found = instant(since, at.city.tz), []
        async for link in at.audit.show(at.city.id, subject=subject, who=person, since=first):
            found.append(entry_view(link, at.city))
            if len(found) >= limit:
                break
        await at.audit.note(at.city.id, deed(at, "look.audit", subject))
        return found


def make_person_app(settings: MakeSettings) -> typer.Typer:
    """`fenliu person export` and `fenliu person erase`."""
    app = typer.Typer(help="A person's request: what is kept of a caller, and its erasure.", no_args_is_help=True)
    phone_help = "The caller's number; - asks for it, so that it stands in no shell history."

    @app.command()
    def export(
        phone: Annotated[str, typer.Option(help=phone_help)] = "-",
        data_dir: DataDir = None,
        rules: RulesDir = None,
        store: Store = None,
    ) -> None:
        """Everything kept of a caller, as JSON; contacts still sealed are opened. Written into the audit trail."""
        from engine.at_store import at_store
        from engine.erasing import exported, person

        number = _number(phone)

        async def run() -> dict[str, Any]:
            async with at_store(settings(data_dir=data_dir, rules_dir=rules, store_url=store)) as at:
                caller = at.vault.hash_phone(number)
                found = await person(at.client, at.history, at.city, caller)
                await at.audit.note(at.city.id, deed(at, "person.export", caller, f"{len(found.call_ids)} calls"))
                return exported(found, at.vault.open)

        say(asyncio.run(run()))

    @app.command()
    def erase(
        phone: Annotated[str, typer.Option(help=phone_help)] = "-",
        data_dir: DataDir = None,
        rules: RulesDir = None,
        store: Store = None,
    ) -> None:
        """Erase a caller from store and history, but for open cases. Written into the audit trail."""
        from engine.at_store import at_store
        from engine.erasing import Erased
        from engine.erasing import erase as erased

        number = _number(phone)

        async def run() -> Erased:
            async with at_store(settings(data_dir=data_dir, rules_dir=rules, store_url=store)) as at:
                caller = at.vault.hash_phone(number)
                await at.audit.note(at.city.id, deed(at, "person.erase", caller))
                done = await erased(at.client, at.history, at.city, caller)
                told = f"{done.calls} calls {done.orders} orders {len(done.kept)} open"
                await at.audit.note(at.city.id, deed(at, "person.erased", caller, told))
                return done

        done = asyncio.run(run())
        typer.echo(f"{done.calls} calls and the words of {done.orders} orders erased")
        for kept in done.kept:
            typer.echo(f"{kept} is open and stays whole: erase again when it is closed")
        raise typer.Exit(1 if done.kept else 0)

    return app


def _number(phone: str) -> str:
    found = typer.prompt("number", hide_input=True) if phone == "-" else phone
    if not any(c.isdecimal() for c in found):
        raise Refused(Fault("--phone", "has no digits", "such as 13800000000"))
    return str(found)


def make_retention(settings: MakeSettings) -> Callable[..., None]:
    """`fenliu retention`."""

    def retention(
        apply: Annotated[bool, typer.Option("--apply", help="Do it; without it only what would go is said.")] = False,
        as_json: AsJson = False,
        data_dir: DataDir = None,
        rules: RulesDir = None,
        store: Store = None,
    ) -> None:
        """What is older than its period in city.yaml; with --apply it goes. Open cases are never touched."""
        from engine.at_store import at_store
        from engine.erasing import DAY_MS, Due, due
        from engine.erasing import apply as applied
        from engine.reports.facts import day_of

        async def run() -> list[Due]:
            async with at_store(settings(data_dir=data_dir, rules_dir=rules, store_url=store)) as at:
                now, days = at.clock.now(), at.city.retention.audit_days
                found = await (applied if apply else due)(at.client, at.history, at.city, now)
                count, last = await at.audit.older(at.city.id, now - days * DAY_MS)
                found.append(Due("audit", days, day_of(now - days * DAY_MS, at.city.tz), count))
                if apply:
                    if last is not None:
                        await at.audit.cut(at.city.id, last, now, getpass.getuser())
                    told = " ".join(f"{d.what}={d.count}" for d in found)
                    await at.audit.note(at.city.id, deed(at, "retention.applied", "", told))
                return found

        found = asyncio.run(run())
        if as_json:
            say({"applied": apply, "periods": [asdict(d) for d in found]})
            return
        for d in found:
            typer.echo(
                f"{d.what:9} kept {d.days:5} days: {d.count:8} before {d.before} {'gone' if apply else 'would go'}"
            )

    return retention


def instant(since: str, tz: str) -> Instant:
    """Milliseconds of a local day or a zoned time; 0 for nothing given. Raises `Refused`."""
    if not since:
        return 0
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        raise Refused(Fault("--since", f"{since[:40]!r} is no day and no time", "such as 2026-11-22")) from None
    return round((found if found.tzinfo else found.replace(tzinfo=ZoneInfo(tz))).timestamp() * 1000)
