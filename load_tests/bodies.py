"""The simulated receiving bodies and the command room's people, as one process of their own."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from load_tests import keeping
from load_tests.api import Api
from load_tests.clock import Clock
from load_tests.errands import Errands
from load_tests.personas import Cast
from load_tests.receiving import Receiver, make_app
from load_tests.record import Record
from load_tests.room import Room

_PATIENCE_S = 300.0
"""A service that faults are done to may be away for minutes on a busy machine."""
_FILES_WAIT_S = 300.0
"""A first start trains the classifier, on a busy machine for minutes."""


async def wait_for_files(data_dir: Path, patience_s: float = _FILES_WAIT_S) -> keeping.Keys:
    """The keys, once the service has made them. Raises `TimeoutError`."""
    async with asyncio.timeout(patience_s):
        while not keeping.ready(data_dir):  # noqa: ASYNC110 - another process makes the files
            await asyncio.sleep(0.1)
    return keeping.read(data_dir)


def build(api_url: str, data_dir: Path, keys: keeping.Keys, cast: Cast, speed: float) -> Starlette:
    """The application with its people; they start and stop with it."""
    api, record = Api(api_url, patience_s=_PATIENCE_S), Record()
    errands = Errands(api, keys.by_body, cast, speed, record)
    room = Room(api, keys.by_role["officer"], cast.seed, speed, record, errands)
    receiver = Receiver(keys.body_secrets, cast, Clock(data_dir), record, errands)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        people = asyncio.create_task(room.run())
        yield
        people.cancel()
        await api.close()

    return make_app(receiver, {"looks": lambda: room.looks}, lifespan=lifespan)


def run(port: int, api_url: str, data_dir: Path, seed: int, mix: Mapping[str, float], speed: float) -> None:
    """Serve on loopback until stopped. Waits for the service's files first."""

    async def serve() -> None:
        keys = await wait_for_files(data_dir)
        app = build(api_url, data_dir, keys, Cast(seed, mix), speed)
        config = uvicorn.Config(app, "127.0.0.1", port, log_level="warning", access_log=False)
        await uvicorn.Server(config).serve()

    asyncio.run(serve())


if __name__ == "__main__":  # started by a load test, without the commands for people, which cost a second
    given = json.loads(sys.argv[1])
    run(**given | {"data_dir": Path(given["data_dir"])})
