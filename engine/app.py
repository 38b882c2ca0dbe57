"""Composition root: the only place that builds real things, for the API process and the worker process."""

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

import classifiers
from classifiers.opinion import FOLDER
from engine import __version__, bulletins, heart, incidents, keeping, pages
from engine.actions import Actions
from engine.alerting import Shelf
from engine.archiving import archive
from engine.at_store import at_store, history_of, opened, source_of, store_url
from engine.auditing import Audit
from engine.clock import FILE_NAME, Clock
from engine.console.forward import Forward
from engine.console.place import socket_path
from engine.delivery import Sender
from engine.desk import Desk
from engine.dossier_actions import DossierActions
from engine.errors import StoreDown
from engine.figuring import Reading
from engine.gathering import Gatherer
from engine.http.door import brings_a_call, take
from engine.http.gauges import Gauges
from engine.http.metrics import exposition
from engine.http.problems import Problem, install, problem, responses
from engine.http.rates import Rates
from engine.http.routes import make_router
from engine.http.service import Service
from engine.intake import Masking
from engine.modelling import Modelling
from engine.opinions import Opinions
from engine.pipeline import Pipeline
from engine.privacy import Chain, Vault, mask_name, mask_phone
from engine.recalling import Recall
from engine.rulebook import ALERTS, Rules, out_of_the_collectors_way
from engine.settings import Settings
from engine.store.client import Client
from engine.worker import Worker


@dataclass(slots=True)
class Parts:
    """Everything one process holds."""

    settings: Settings
    client: Client
    clock: Clock
    rules: Rules
    vault: Vault
    service: Service


async def archive_once(settings: Settings) -> int:
    """Move what is settled to the history now; answers how many records moved."""
    async with at_store(settings) as at:
        return await archive(at.client, at.history, at.city, at.clock.now())


async def bulletin_once(settings: Settings, day: str, span: str) -> str:
    """The bulletin of a day, or of the week it lies in, as a page."""
    async with at_store(settings) as at:
        reading = Reading(at.city, at.history, await Gatherer(at.client, at.city).rows())
        return bulletins.write(reading, day, span, at.clock.now())


async def build(settings: Settings) -> Parts:
    """Read the rules, connect, put everything together; waits up to a minute for a store that is starting."""
    clock = Clock(settings.data / FILE_NAME if settings.movable_clock else None)
    rules = Rules(source_of(settings))
    client = Client(store_url(settings), replicas_ack=settings.replicas_ack)
    await opened(client)
    key = keeping.privacy_key(settings)
    vault = Vault(key)
    masking = Masking(classifiers.mask, mask_phone, mask_name, vault.hash_phone, vault.seal)
    opinions = Opinions(settings.data / FOLDER, settings.opinion_wait_s)
    shelf = Shelf(settings.rules / ALERTS, settings.data)
    service = Service(
        client=client,
        clock=clock,
        rules=rules.now,
        pipeline=Pipeline(client, opinions),
        actions=Actions(client, rules.now, clock),
        models=Modelling(
            client,
            rules.now,
            clock,
            shelf,
            history_of(settings),
            settings.data,
        ),
        disputes=DossierActions(client, rules.now, clock),
        masking=masking,
        recall=Recall(client, history_of(settings)),
        desk=Desk(store_url(settings), settings.data / "history"),
        audit=Audit(client, Chain(key)),
        open_contact=vault.open,
        webhook_keys=keeping.webhook_keys(settings),
        tokens=keeping.tokens(settings),
        rules_fault=lambda: rules.fault,
        gauges=Gauges(),
        opinions=opinions,
        call_rates=Rates(settings.calls_a_second / settings.process_count),
        token_rates=Rates(settings.requests_a_second / settings.process_count),
        open_console=bool(settings.open_console),
        incidents=lambda: incidents.recent(settings.data),
    )
    out_of_the_collectors_way()
    return Parts(settings, client, clock, rules, vault, service)


class Application(FastAPI):
    """The framework's application with the front door before it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if brings_a_call(scope):
            await take(self.state.service, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def make_app(settings: Settings) -> FastAPI:
    """The API application; its parts are built when it starts."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts = await build(settings)
        app.state.service = parts.service
        beside = (parts.rules.watch(), heart.beat(), parts.service.gauges.watch(), pages.lay_out_later())
        along = [asyncio.create_task(c) for c in beside]
        parts.service.opinions.start()
        yield
        parts.service.opinions.close()
        for task in along:
            task.cancel()
        await parts.service.models.close()
        await forward.close()
        parts.service.desk.close()
        await parts.client.close()

    forward = Forward(socket_path(settings.data))
    app = Application(
        title="Fenliu 分流",
        version=__version__,
        summary="Routes non-emergency calls on 110 to whoever can solve them and closes every loop",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=responses(429) | {422: {"model": Problem}},
    )
    install(app)
    app.include_router(make_router())
    _add_health(app)
    app.router.default = forward  # not a mount: paths of ours keep their 404 and 405
    return app


def _add_health(app: FastAPI) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """This process is alive."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", include_in_schema=False)
    async def readyz(request: Request) -> JSONResponse:
        """This process can take calls: the store answers."""
        service: Service = request.app.state.service
        try:
            await service.client.read("PING")
        except StoreDown as error:
            return problem(503, "store-down", str(error))
        book = service.rules()
        return JSONResponse({"status": "ready", "city": book.city.id, "rules": book.city.version})

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """Prometheus text."""
        return PlainTextResponse(await exposition(request.app.state.service), media_type="text/plain; version=0.0.4")


async def run_worker(settings: Settings) -> None:
    """The worker process: all loops until cancelled."""
    parts = await build(settings)
    sender = Sender(keeping.BodyKeys(settings, lambda: parts.rules.now().city))
    name = f"w-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    worker = Worker(
        parts.client,
        parts.rules.now,
        parts.clock,
        sender,
        parts.vault.open,
        name,
        history_of(settings),
        parts.service.audit,
        lambda what, subject, text: incidents.note(settings.data, what, subject, text),
    )
    try:
        await asyncio.gather(parts.rules.watch(), worker.run(), heart.beat())
    finally:
        await sender.close()
        await parts.client.close()


async def run_console(settings: Settings) -> None:
    """The console process, on a socket in the data dir, until told to stop."""
    import uvicorn

    from engine.console.serving import make_console

    parts = await build(settings)
    app = make_console(parts.service, keeping.privacy_key(settings))
    path = socket_path(settings.data)
    path.unlink(missing_ok=True)
    config = uvicorn.Config(
        app,
        uds=str(path),
        log_config=None,
        log_level="warning",
        access_log=False,
        ws_max_size=1 << 20,
        timeout_graceful_shutdown=2,
    )
    watch, beats = asyncio.create_task(parts.rules.watch()), asyncio.create_task(heart.beat())
    try:
        await uvicorn.Server(config).serve()
    finally:
        watch.cancel()
        beats.cancel()
        await parts.service.models.close()
        await parts.client.close()
