from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from truestep.node.chain.spans import Spans

NUMBERS = st.integers(0, 20)


@given(st.lists(st.tuples(st.booleans(), NUMBERS)), NUMBERS, NUMBERS)
def test_spans_are_the_set_that_they_stand_for(changes: list[tuple[bool, int]], start: int, end: int) -> None:
    spans, numbers = Spans(), set[int]()
    for is_added, number in changes:
        if is_added:
            assert spans.add(number) == (number not in numbers)
            numbers.add(number)
        else:
            assert spans.discard(number) == (number in numbers)
            numbers.discard(number)
    assert {number for number in range(21) if number in spans} == numbers
    assert len(spans) == len(numbers)
    runs = list(spans)
    assert [number for run in runs for number in range(*run)] == sorted(numbers)
    assert all(left[1] < right[0] for left, right in pairwise(runs))
    missing = [number for gap in spans.gaps(start, end) for number in range(*gap)]
    assert missing == [number for number in range(start, end) if number not in numbers]
    assert list(Spans(runs)) == runs
