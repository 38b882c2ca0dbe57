"""A heartbeat: a process shows that its loop turns, so that one that hangs is seen as well as one that died."""

import asyncio
import os
from pathlib import Path

VARIABLE = "FENLIU_HEARTBEAT"
"""Environment variable with the file this process touches; the supervisor sets it."""
_EVERY_S = 1.0


async def beat() -> None:
    """Touch the file for ever; without the variable there is nobody to show it to."""
    name = os.environ.get(VARIABLE)
    while name:
        Path(name).touch()  # noqa: ASYNC240 - a touch of a local file is quicker than a thread for it
        await asyncio.sleep(_EVERY_S)
