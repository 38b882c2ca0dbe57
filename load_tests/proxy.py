"""A loopback proxy in front of the bodies: lets bytes through, or cuts every connection as a broken network does."""

import asyncio
import contextlib

_PIECE = 65_536


class Proxy:
    """One listening port. `cut`: connections are ended and new ones closed at once, until it is healed."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.refused = 0
        """Connections closed since the last cut."""

    async def start(self, port: int) -> None:
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._server is not None:
            self._server.close()
        self._end_all()

    def cut(self) -> None:
        """From now on nothing comes through."""
        self._cut, self.refused = True, 0
        self._end_all()

    def heal(self) -> None:
        """Let everything through again."""
        self._cut = False

    def _end_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            self.refused += 1
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            self._open -= {writer, back}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while raw := await reader.read(_PIECE):
            writer.write(raw)
            await writer.drain()
    writer.close()
