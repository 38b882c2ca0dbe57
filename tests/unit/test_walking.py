"""The walk of one call: what was read of it stands when a conflict sends it round again."""

from typing import Any

from edges import rules_of
from loop.errands import T0

from engine.model.call import Call, Caller, Channel
from engine.model.city import City
from engine.pipeline import Work, unreadable
from engine.walk.taking import Read


class Counting:
    """A reader that never understands, and counts how often it was asked."""

    asked = 0

    def read(self, text: str, **_: Any) -> Any:
        self.asked += 1
        return unreadable(text)


async def test_a_call_is_read_once_however_often_it_walks(city: City) -> None:
    reader, call = Counting(), Call("C1", city.id, T0, Channel.POLICE_LINE, "楼上漏水", Caller())
    work = Work(call, "w1", "d", rules_of(city, reader), T0)
    await Read().run(work)
    round_again = work.again(redo=True)
    await Read().run(round_again)
    assert (reader.asked, round_again.read, round_again.redo) == (1, work.read, True)
