"""The sealed cookie: opens for its token only, ends, and opens nothing once the token is withdrawn."""

import pytest
from starlette.requests import HTTPConnection

from engine.console.session import COOKIE, LIVES_MS, Sessions
from engine.http.tokens import Role, Tokens, Unknown, User

TOKEN = "a-token-of-the-officer"
KEY = bytes(range(32))
TOKENS = Tokens({TOKEN: User("值班员", Role.OFFICER), "a-token-of-dispatch": User("调度员", Role.DISPATCHER)})


def asked(cookie: str = "", client: str = "", host: str = "127.0.0.1:8110") -> HTTPConnection:
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode()), (b"x-fenliu-client", client.encode())]
    headers.append((b"host", host.encode()))
    return HTTPConnection({"type": "http", "headers": headers})


def test_the_cookie_of_a_token_opens_for_its_user_until_it_ends() -> None:
    sessions = Sessions(KEY, TOKENS, open_console=False)
    cookie = sessions.sign_in(TOKEN, now=0)
    assert TOKEN not in cookie
    viewer = sessions.viewer(asked(cookie), now=1)
    assert viewer is not None
    assert viewer.role is Role.OFFICER
    assert sessions.viewer(asked(cookie), now=LIVES_MS + 1) is None


@pytest.mark.parametrize("spoil", [lambda c: c[:-4] + "AAAA", lambda c: "9" + c, lambda c: "", lambda c: "x.y"])
def test_a_spoiled_cookie_opens_nothing(spoil) -> None:  # type: ignore[no-untyped-def]  # any function of text
    sessions = Sessions(KEY, TOKENS, open_console=False)
    assert sessions.viewer(asked(spoil(sessions.sign_in(TOKEN, now=0))), now=1) is None


def test_a_withdrawn_token_opens_nothing() -> None:
    cookie = Sessions(KEY, TOKENS, open_console=False).sign_in(TOKEN, now=0)
    assert Sessions(KEY, Tokens({}), open_console=False).viewer(asked(cookie), now=1) is None
    with pytest.raises(Unknown):
        Sessions(KEY, Tokens({}), open_console=False).sign_in(TOKEN, now=0)


@pytest.mark.parametrize(("client", "enters"), [("127.0.0.1", True), ("::1", True), ("10.0.0.5", False), ("", False)])
def test_the_open_console_is_open_on_loopback_only(client: str, enters: bool) -> None:
    viewer = Sessions(KEY, TOKENS, open_console=True).viewer(asked(client=client), now=1)
    assert (viewer is not None) == enters
    assert viewer is None or viewer.demonstration


@pytest.mark.parametrize(
    ("host", "enters"),
    [
        ("localhost:8110", True),
        ("[::1]:8110", True),
        ("evil.example:8110", False),
        ("127.0.0.1.evil", False),
        ("", False),
        ("[", False),
    ],
)
def test_the_open_console_is_not_opened_by_a_name_that_was_pointed_at_this_machine(host: str, enters: bool) -> None:
    sessions = Sessions(KEY, TOKENS, open_console=True)
    assert (sessions.viewer(asked(client="127.0.0.1", host=host), now=1) is not None) == enters
