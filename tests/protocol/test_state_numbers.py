import pytest
from hypothesis import given
from hypothesis import strategies as st

from truestep.protocol.bisection import Interval
from truestep.protocol.state_numbers import (
    MICRO_INDEX_LIMIT,
    RUN_NUMBER_LIMIT,
    is_micro,
    micro_index_of,
    micro_number,
    run_number_of,
    span_in_words,
    steps_in_words,
)

RUN_NUMBERS = st.integers(0, RUN_NUMBER_LIMIT - 1)
INDICES = st.integers(0, MICRO_INDEX_LIMIT)


@given(RUN_NUMBERS, INDICES)
def test_a_number_names_one_state_in_64_bits(run_number: int, index: int) -> None:
    number = micro_number(run_number, index)
    assert number == 2**63 + run_number * 2**12 + index < 2**64
    assert (is_micro(number), run_number_of(number), micro_index_of(number)) == (True, run_number, index)
    assert (is_micro(run_number), run_number_of(run_number)) == (False, run_number)


@given(RUN_NUMBERS, st.integers(1, MICRO_INDEX_LIMIT), st.sampled_from([2, 16, 64]))
def test_splits_of_a_micro_run_stay_in_it(run_number: int, cycles: int, arity: int) -> None:
    interval = Interval(low=micro_number(run_number, 0), high=micro_number(run_number, cycles))
    boundaries = interval.boundaries(arity)
    assert {run_number_of(number) for number in boundaries} == {run_number}
    assert (micro_index_of(boundaries[0]), micro_index_of(boundaries[-1])) == (0, cycles)


@pytest.mark.parametrize(("run_number", "index"), [(-1, 0), (RUN_NUMBER_LIMIT, 0), (0, -1), (0, 4096)])
def test_what_has_no_number_is_refused(run_number: int, index: int) -> None:
    with pytest.raises(ValueError, match="expected a state number below"):
        micro_number(run_number, index)


def test_people_do_not_see_raw_numbers() -> None:
    assert steps_in_words(123_456) == "step 123,456"
    assert steps_in_words(micro_number(123_455, 17)) == "step 17 of the micro-run of step 123,456"
    assert span_in_words(0, 1_234) == "steps 0 to 1,234"
    low = micro_number(123_455, 17)
    assert span_in_words(low, low + 10) == "steps 17 to 27 of the micro-run of step 123,456"
