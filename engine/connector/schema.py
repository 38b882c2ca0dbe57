"""What a connector file may say, field by field. Words in braces are environment variables: no secret stands here."""

from typing import Annotated, Literal

from pydantic import Field

from engine.strictyaml import Strict

Path = Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$", description="a path that begins with /")]
EventWord = Literal["sign", "return", "arrive", "report", "supplement", "note"]
"""Events a body may make (CONTRACT.md)."""


class Translated(Strict):
    """A value looked up in a table."""

    from_: str = Field(alias="from")
    map: dict[str, str | int | bool]
    otherwise: str | int | bool | None = None


Source = str | int | bool | Translated
"""`$.data.summary` is read from the message or callback; anything else stands for itself."""


class Ours(Strict):
    """Our side."""

    api: str
    token: str
    secret: str


class Theirs(Strict):
    """Their side."""

    api: str
    headers: dict[str, str] = Field(default_factory=dict)


class Sending(Strict):
    """One of our messages as a call of theirs."""

    method: Literal["POST", "PUT", "PATCH"] = "POST"
    path: str
    """May hold `{$.data.order_id}`."""
    body: dict[str, Source]


class Row(Strict):
    """What one of their words means here."""

    event: EventWord
    data: dict[str, Source] = Field(default_factory=dict)


class Callback(Strict):
    """Their callback as an event of ours."""

    path: Path
    header: str = ""
    """Header that must hold `equals`; without it anybody could sign for the body."""
    equals: str = ""
    order_id: str
    event: str
    """Where the word stands that `rows` translates."""
    rows: dict[str, Row] = Field(min_length=1)
    note: str = ""
    key: str = ""
    """Where their id of this callback stands: the same one twice is one event."""


class ConnectorFile(Strict):
    """A connector."""

    version: Literal[1] = 1
    name: str
    fenliu: Ours
    theirs: Theirs
    receive: Path = "/fenliu"
    send: dict[str, Sending] = Field(min_length=1)
    """By message type: `order.sent`, `order.updated`, …; other types are acknowledged and dropped."""
    callback: Callback
