"""The board in memory and the claims at the desk."""

from engine.console.board import Board, Scope
from engine.console.claims import LASTS_MS, Claims
from engine.console.rows import Seen, bare
from engine.console.words import WORDS, Words

ALL, STATION, READER = Scope(), Scope(body="st-1"), Scope(bare=True)


def order(order_id: str, body: str = "st-1", text: str = "路灯坏了") -> Seen:
    return Seen({"id": order_id, "s": text, "v": 1}, frozenset({body}))


def test_a_body_is_told_of_its_own_orders_only() -> None:
    board = Board()
    board.put_order("O1", order("O1"))
    board.put_order("O2", order("O2", body="st-2"))
    told = board.take([ALL, STATION], now=0)
    assert {r["id"] for r in told[ALL]["orders"]} == {"O1", "O2"}
    assert [r["id"] for r in told[STATION]["orders"]] == ["O1"]
    board.put_order("O2", None)
    told = board.take([ALL, STATION], now=0)
    assert told[ALL]["gone"] == ["O2"]
    assert STATION not in told


def test_an_order_that_went_and_came_back_at_once_is_there() -> None:
    board = Board()
    board.put_order("O1", order("O1"))
    board.put_order("O1", None)
    board.put_order("O1", order("O1"))
    told = board.take([ALL], now=0)[ALL]
    assert told["gone"] == []
    assert [r["id"] for r in told["orders"]] == ["O1"]


def test_a_reader_is_sent_no_digits_of_a_number() -> None:
    board = Board()
    board.put_order("O1", order("O1", text="联系 138****1234"))
    assert "1234" not in board.take([READER], now=0)[READER]["orders"][0]["s"]
    assert bare("在 13 栋 302 室，139****0001") == "在 13 栋 302 室，＊＊＊"


def test_the_second_officer_does_not_take_a_claim_away_and_it_ends_by_itself() -> None:
    claims, heard = Claims(), []
    claims.watch(lambda: heard.append(1))
    claims.take("O1", "screen-a", "甲", now=0)
    claims.take("O1", "screen-b", "乙", now=1)
    held = claims.holder("O1", now=2)
    assert held is not None
    assert held.who == "甲"
    assert len(heard) == 1  # the second changed nothing, so nobody is told: screens must not answer each other
    assert claims.holder("O1", now=LASTS_MS) is None


def test_every_word_is_there_in_both_languages() -> None:
    assert all(zh and en for zh, en in WORDS.values())
    assert Words("zh")("more", n=3) == "还有 3 件"
    assert Words("en").language == "en"


def test_a_reader_is_told_of_an_alert_without_its_address() -> None:
    board = Board()
    board.put_alert("A1", {"id": "A1", "s": "月堰新村7幢302室 三十天内第3次", "ps": "三十天内第3次", "g": "orange"})
    from_it = order("O2", text="月堰新村7幢302室 三十天内第3次")
    board.put_order("O2", Seen(from_it.row | {"al": "A1", "c": "邻里纠纷"}, from_it.eyes))
    board.put_call({"id": "C1", "at": 0, "s": "路灯坏了", "al": 2})
    told = board.take([ALL, READER], now=0)
    assert "302" in str(told[ALL])
    assert "302" not in str(told[READER])
    assert told[READER]["alerts"][0]["s"] == "三十天内第3次"
    assert told[READER]["calls"][0]["s"] == "路灯坏了"
