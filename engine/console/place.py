"""Console room: where the console process listens: a socket in the data dir that only this user can open."""

import hashlib
import os
import tempfile
from pathlib import Path

_LONGEST = 100


def socket_path(data_dir: Path) -> Path:
    """The console's unix socket; a deep data dir gets a short private folder (socket paths end at 107 bytes)."""
    inside = data_dir.resolve() / "console.sock"
    if len(str(inside).encode()) <= _LONGEST:
        return inside
    name = hashlib.blake2b(str(inside).encode(), digest_size=8).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"fenliu-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "console.sock"
