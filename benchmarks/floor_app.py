"""The floor: a FastAPI route and one durable Redis function call of the size that a whole decision writes.

Run by benchmarks/full_path.py. `/floor` makes a trip of its own for each call, as a plain service does;
`/floor/shared` sends calls that wait together in one pipeline, which is harder to come near to.

    python -m benchmarks.floor_app FD

The socket is given to the server as the service gives it its own. uvicorn's `--fd` takes any socket for one of the
machine's own, so that each answer's second half waits 40 ms for the other side's word that it has the first.
"""

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from redis.asyncio import Redis

from benchmarks.shared_trip import SharedTrip

LUA = """#!lua name=floor
redis.register_function('floor', function(keys, args)
  redis.call('HSET', keys[1] .. args[1], 'body', args[2], 'rest', args[3])
  redis.call('XADD', keys[1] .. 'log', 'MAXLEN', '~', 2000000, '*', 'j', args[1])
  return args[1]
end)
"""


def make_floor() -> FastAPI:
    """The application; the store's address and the bytes a call come from the environment."""
    redis = Redis.from_url(os.environ["FLOOR_STORE"], protocol=2)
    shared, numbers = SharedTrip(redis), iter(range(10**12))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await redis.execute_command("FUNCTION LOAD", "REPLACE", LUA)
        shared.start()
        yield
        shared.stop()
        await redis.aclose()

    app = FastAPI(lifespan=lifespan)

    async def command(request: Request) -> tuple[object, ...]:
        body = await request.body()
        rest = b"x" * max(0, int(os.environ["FLOOR_BYTES"]) - len(body))
        return ("FCALL", "floor", 1, "{floor}:", str(next(numbers)), body, rest)

    @app.post("/floor")
    async def floor(request: Request) -> Response:
        """One call, one trip."""
        return Response(await redis.execute_command(*await command(request)), media_type="application/json")

    @app.post("/floor/shared")
    async def floor_shared(request: Request) -> Response:
        """One call in a trip that others may share."""
        return Response(await shared.call(await command(request)), media_type="application/json")

    return app


def main(fd: int) -> None:
    """Serves until told to stop."""
    config = uvicorn.Config(make_floor(), loop="uvloop", http="httptools", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
