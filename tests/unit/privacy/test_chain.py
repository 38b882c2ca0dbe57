"""The audit trail's chain holds, and whatever is done to it shows at the first broken entry."""

from hypothesis import given
from hypothesis import strategies as st

from engine.model.audit import Deed, Link
from engine.model.values import replace
from engine.privacy.chain import CUT, Chain, Walk

KEY = bytes(range(32))
words = st.text(max_size=12)
trails = st.lists(st.builds(Deed, st.integers(0, 2**50), words, words, words, words), min_size=1, max_size=12)


def walked(links: list[Link], head: tuple[int, str], key: bytes = KEY, end: str = "") -> Walk:
    walk = Walk(Chain(key), end=end)
    for link in links:
        if not walk.step(link):
            break
    walk.finish(head)
    return walk


def head(links: list[Link]) -> tuple[int, str]:
    return links[-1].seq, links[-1].mac


@given(trails)
def test_an_untouched_trail_holds(deeds: list[Deed]) -> None:
    links = Chain(KEY).go_on(0, "", deeds)
    assert walked(links, head(links)).fault == ""


@given(trails, st.data())
def test_a_changed_a_lost_and_a_swapped_entry_are_named(deeds: list[Deed], data: st.DataObject) -> None:
    links = Chain(KEY).go_on(0, "", deeds)
    n = data.draw(st.integers(0, len(links) - 1))
    changed = [*links]
    changed[n] = replace(links[n], text=links[n].text.replace('"at":', '"at": 1'))
    assert walked(changed, head(links)).fault.startswith(f"entry {n + 1} ")
    lost = links[:n] + links[n + 1 :]
    assert walked(lost, head(links)).fault
    if n:
        swapped = [*links]
        swapped[n - 1], swapped[n] = replace(links[n], seq=n), replace(links[n - 1], seq=n + 1)
        assert walked(swapped, head(links)).fault.startswith(f"entry {n} ")


def test_who_has_not_the_key_cannot_make_it_fit_again() -> None:
    deeds = [Deed(1, "王", "officer", "look.order", "O1"), Deed(2, "王", "officer", "look.order", "O2")]
    forged = Chain(bytes(32)).go_on(0, "", deeds)
    assert walked(forged, head(forged)).fault.startswith("entry 1 ")


def test_a_cut_end_shows_only_against_the_end_written_down() -> None:
    links = Chain(KEY).go_on(0, "", [Deed(n, "a", "officer", "look.call", "C1") for n in range(5)])
    end = f"{links[-1].seq}:{links[-1].mac}"
    assert walked(links[:3], head(links[:3])).fault == ""
    assert "cut off" in walked(links[:3], head(links[:3]), end=end).fault
    assert walked(links, head(links), end=end).fault == ""


def test_older_entries_may_go_only_when_an_entry_says_so() -> None:
    chain = Chain(KEY)
    links = chain.go_on(0, "", [Deed(n, "a", "officer", "look.call", "C1") for n in range(4)])
    cut = Deed(9, "keeper", "", CUT, f"{links[1].seq}:{links[1].mac}")
    links += chain.go_on(*head(links), [cut])
    for kept, fault in ((links[2:], False), (links[2:4], True)):
        walk = Walk(chain, links[1].seq, links[1].mac)
        assert all([walk.step(link) for link in kept])
        assert bool(walk.finish(head(kept))) == fault
