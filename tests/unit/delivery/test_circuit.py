"""A body that does not answer: left alone, tried by one message, taken back at its first answer."""

from hypothesis import given
from hypothesis import strategies as st

from engine.delivery import CLOSED, Circuit, answered, asked
from engine.delivery.circuit import OPENS_AFTER

NOW = 1_767_578_400_000


def failed(times: int, now: int = NOW) -> Circuit:
    circuit = CLOSED
    for _ in range(times):
        circuit = answered(circuit, now, failed=True)
    return circuit


def test_it_opens_after_several_failures_in_a_row_and_not_before() -> None:
    assert failed(OPENS_AFTER - 1).state == "closed"
    assert failed(OPENS_AFTER).state == "open"
    assert answered(failed(OPENS_AFTER - 1), NOW, failed=False) == CLOSED


def test_one_message_tries_an_open_circuit_when_its_pause_is_over() -> None:
    circuit = failed(OPENS_AFTER)
    assert asked(circuit, NOW)[1] == circuit.open_until == NOW + 5_000
    trying, wait = asked(circuit, circuit.open_until)
    assert (wait, trying.state) == (0, "half_open")
    assert asked(trying, circuit.open_until)[1] > circuit.open_until, "the others wait for it"
    assert answered(trying, NOW + 6_000, failed=False) == CLOSED
    again = answered(trying, NOW + 6_000, failed=True)
    assert (again.state, again.open_until - NOW - 6_000, again.since) == ("open", 10_000, NOW)


@given(st.lists(st.tuples(st.integers(0, 200_000), st.booleans()), max_size=60))
def test_a_body_that_is_back_is_found_within_a_minute_and_a_bit(history: list[tuple[int, bool]]) -> None:
    now, circuit = NOW, CLOSED
    for span, failure in history:
        now += span
        circuit, wait = asked(circuit, now)
        if not wait:
            circuit = answered(circuit, now, failed=failure)
        assert not circuit.open_until or circuit.open_until - now <= 60_000
