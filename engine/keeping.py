"""A data dir and its secrets: made once with access for this user only, read by every process."""

import base64
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import yaml

from engine.errors import Fault, Refused
from engine.http.tokens import Role, Tokens
from engine.model.city import Body, City
from engine.model.webhook import key_of
from engine.settings import Settings

log = logging.getLogger("fenliu.keeping")
WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - the name of a file
TOKENS = "tokens.yaml"
BODY_SECRETS = "body_secrets.yaml"
PRIVACY_KEY = "privacy_key"


def data_dir(settings: Settings) -> Path:
    """The data dir, made with access for this user only."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return settings.data


def new_secret() -> str:
    """A fresh `whsec_…`."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def write_private(path: Path, text: str) -> None:
    """Write whole or not at all, mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def prepare(settings: Settings, city: City) -> list[str]:
    """Make what is missing in the data dir; answers a line for people on each thing made."""
    made = []
    if not settings.webhook_secrets and not (settings.data / WEBHOOK_SECRET).exists():
        write_private(settings.data / WEBHOOK_SECRET, new_secret() + "\n")
        made.append(f"webhook secret: {settings.data / WEBHOOK_SECRET}")
    if not settings.tokens_file and not (settings.data / TOKENS).exists():
        write_private(settings.data / TOKENS, _fresh_tokens(city))
        made.append(f"bearer tokens: {settings.data / TOKENS}")
    if not settings.privacy_key and not (settings.data / PRIVACY_KEY).exists():
        write_private(settings.data / PRIVACY_KEY, secrets.token_hex(32) + "\n")
        made.append(f"privacy key: {settings.data / PRIVACY_KEY}")
    if not settings.body_secrets_file:
        _complete_body_secrets(settings.data / BODY_SECRETS, city)
    return made


def generated(settings: Settings) -> bool:
    """Whether secrets or tokens were made by us: then `serve` stays on loopback unless told."""
    return not (settings.webhook_secrets and settings.tokens_file)


def _fresh_tokens(city: City) -> str:
    roles = [r for r in Role if r is not Role.BODY]
    users = {secrets.token_urlsafe(24): {"name": r.value, "role": r.value} for r in roles}
    for body in city.bodies.values():
        users[secrets.token_urlsafe(24)] = {"name": body.id, "role": Role.BODY.value, "body": body.id}
    text: str = yaml.safe_dump(users, allow_unicode=True, sort_keys=False)
    return "# bearer token → name, role (admin author officer dispatcher body integrator reader), body\n" + text


def _complete_body_secrets(path: Path, city: City) -> None:
    known = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = {b.secret for b in city.bodies.values()} - set(known or {})
    if missing:
        known = (known or {}) | {name: new_secret() for name in sorted(missing)}
        write_private(path, yaml.safe_dump(known, sort_keys=True))


def webhook_keys(settings: Settings) -> tuple[bytes, ...]:
    """Keys by which the call centre's webhooks are believed; raises `Refused` naming a faulty one."""
    text = settings.webhook_secrets or (settings.data / WEBHOOK_SECRET).read_text(encoding="utf-8")
    keys = []
    for n, secret in enumerate(text.split(), 1):
        try:
            keys.append(key_of(secret))
        except ValueError as error:
            raise Refused(Fault(f"FENLIU_WEBHOOK_SECRETS, secret {n}", str(error), "whsec_ and base64")) from None
    return tuple(keys)


def tokens(settings: Settings) -> Tokens:
    """The bearer tokens; raises `RulesRefused` with each fault's line."""
    return Tokens.read(Path(settings.tokens_file) if settings.tokens_file else settings.data / TOKENS)


def body_secrets_path(settings: Settings) -> Path:
    """The file of the bodies' secrets."""
    return Path(settings.body_secrets_file) if settings.body_secrets_file else settings.data / BODY_SECRETS


def body_keys(settings: Settings) -> dict[str, tuple[bytes, ...]]:
    """Secret name → signing keys: one, or several (separated by spaces) while it is being replaced."""
    found = yaml.safe_load(body_secrets_path(settings).read_text(encoding="utf-8")) or {}
    return {name: tuple(key_of(secret) for secret in text.split()) for name, text in found.items()}


class BodyKeys:
    """The signing keys of a body, read anew when the file changes; a body that came with newer rules gets its own."""

    def __init__(self, settings: Settings, city: Callable[[], City]) -> None:
        self._settings = settings
        self._city = city
        self._stamp = 0
        self._known: dict[str, tuple[bytes, ...]] = {}
        self._look()

    def _look(self) -> None:
        """Read the file if it changed: a key is replaced without a restart."""
        stamp = body_secrets_path(self._settings).stat().st_mtime_ns
        if stamp != self._stamp:
            self._known, self._stamp = body_keys(self._settings), stamp

    def __call__(self, body: Body) -> tuple[bytes, ...]:
        """The keys; raises `Refused` when a secrets file of the city's own does not name it."""
        try:
            self._look()
        except (OSError, ValueError, AttributeError, yaml.YAMLError):
            log.warning("the secrets file cannot be read; the keys known so far stay")
        if body.secret not in self._known:
            if not self._settings.body_secrets_file:
                _complete_body_secrets(self._settings.data / BODY_SECRETS, self._city())
            self._known = body_keys(self._settings)
        if body.secret not in self._known:
            raise Refused(Fault(f"secret of {body.id}", f"{body.secret} is not in the secrets file", "name: whsec_…"))
        return self._known[body.secret]


def privacy_key(settings: Settings) -> bytes:
    """The city's privacy key; raises `Refused` when it is not 64 hex digits."""
    text = settings.privacy_key or (settings.data / PRIVACY_KEY).read_text(encoding="utf-8").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Refused(Fault("FENLIU_PRIVACY_KEY", "is not a key", "64 hex digits"))
    return key
