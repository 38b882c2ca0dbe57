"""The service's `/v1` as an outsider calls it: patient with a service that restarts, exact about answers."""

import asyncio
from typing import Any

import httpx

_PATIENCE_S = 60.0
_AGAIN = frozenset({429, 502, 503, 504})


class Refusal(Exception):
    """The service refused: `status` and its problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"HTTP {status}: {problem.get('detail', '')}")
        self.status = status
        self.legal: list[str] = problem.get("legal", [])


class Api:
    """One client for all tokens. `patience_s` is how long an absent service is waited for.

    `transport` takes the place of the network where a test brings its own service.
    """

    def __init__(
        self, url: str, *, patience_s: float = _PATIENCE_S, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        timeout = httpx.Timeout(15, pool=None)  # who waits for a free connection waits for others' patience
        self._http = httpx.AsyncClient(
            base_url=url, timeout=timeout, limits=limits, trust_env=False, transport=transport
        )
        self._patience_s = patience_s

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def get(self, path: str, token: str, **params: str | int) -> dict[str, Any]:
        """A GET's JSON. Raises `Refusal`, or `httpx.TransportError` when patience is at its end."""
        return await self._ask("GET", path, {"authorization": f"Bearer {token}"}, params=params)

    async def post(self, path: str, token: str, body: dict[str, Any], *, key: str = "") -> dict[str, Any]:
        """A POST's JSON; `key` makes repeating it harmless. Raises as `get` does."""
        headers = {"authorization": f"Bearer {token}"} | ({"idempotency-key": key} if key else {})
        return await self._ask("POST", path, headers, json=body)

    async def post_signed(self, path: str, headers: dict[str, str], content: bytes) -> dict[str, Any]:
        """A webhook's answer. Raises as `get` does."""
        return await self._ask("POST", path, headers, content=content)

    async def every(self, path: str, field: str, token: str, **params: str | int) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self.get(path, token, limit=500, cursor=cursor, **params)
            found += page[field]
            cursor = page["cursor"] or ""
            if not cursor:
                return found

    async def _ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        deadline, wait = loop.time() + self._patience_s, 0.05
        while True:
            try:
                answer = await self._http.request(method, path, headers=headers, **more)
                if answer.status_code not in _AGAIN or loop.time() > deadline:
                    return _judged(answer)
            except httpx.TransportError:
                if loop.time() > deadline:
                    raise
            await asyncio.sleep(wait)
            wait = min(wait * 2, 1.0)


def _judged(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: dict[str, Any] = answer.json()
    except ValueError:
        body = {"detail": answer.text[:200]}
    if answer.is_success:
        return body
    raise Refusal(answer.status_code, body)
