"""Secrets and tokens as `fenliu serve` left them in the data dir, read the way an outsider reads files."""

from dataclasses import dataclass
from pathlib import Path

import yaml

WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - a file name
TOKENS = "tokens.yaml"
BODY_SECRETS = "body_secrets.yaml"


@dataclass(frozen=True, slots=True)
class Keys:
    """What the world holds: the call centre's secret, a token per role and per body, a secret per body."""

    webhook_secret: str
    by_role: dict[str, str]
    by_body: dict[str, str]
    body_secrets: dict[str, str]


def ready(data_dir: Path) -> bool:
    """Whether the service has written all three files."""
    return all((data_dir / name).exists() for name in (WEBHOOK_SECRET, TOKENS, BODY_SECRETS))


def read(data_dir: Path) -> Keys:
    """Read them. Raises `FileNotFoundError` when the service has not made them yet."""
    users = yaml.safe_load((data_dir / TOKENS).read_text(encoding="utf-8"))
    return Keys(
        webhook_secret=(data_dir / WEBHOOK_SECRET).read_text(encoding="utf-8").split()[0],
        by_role={user["role"]: token for token, user in users.items() if user["role"] != "body"},
        by_body={user["body"]: token for token, user in users.items() if user["role"] == "body"},
        body_secrets=yaml.safe_load((data_dir / BODY_SECRETS).read_text(encoding="utf-8")),
    )
