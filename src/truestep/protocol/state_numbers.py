"""The numbers of the states of a run and of its micro-runs (machine M9.6), and how to say them in words."""

MICRO_FLAG = 1 << 63
MICRO_INDEX_BITS = 12
MICRO_INDEX_LIMIT = (1 << MICRO_INDEX_BITS) - 1
"""The most steps that a revealed micro-run may have (S11.10)."""
RUN_NUMBER_LIMIT = 1 << (63 - MICRO_INDEX_BITS)
"""State numbers of a run are below this, so that the states of its micro-runs have 64-bit numbers."""


def micro_number(run_number: int, index: int) -> int:
    """The number of state `index` in the micro-run of the instruction executed at state `run_number`."""
    if not (0 <= run_number < RUN_NUMBER_LIMIT and 0 <= index <= MICRO_INDEX_LIMIT):
        raise ValueError(
            f"expected a state number below {RUN_NUMBER_LIMIT} and an index of at most {MICRO_INDEX_LIMIT},"
            f" got {run_number} and {index}"
        )
    return MICRO_FLAG | run_number << MICRO_INDEX_BITS | index


def is_micro(number: int) -> bool:
    """Whether a state number belongs to a micro-run."""
    return number >= MICRO_FLAG


def run_number_of(number: int) -> int:
    """The number itself or, for a micro-run, the number of the state that executes its instruction."""
    return (number ^ MICRO_FLAG) >> MICRO_INDEX_BITS if is_micro(number) else number


def micro_index_of(number: int) -> int:
    """The index of a state in its micro-run."""
    if not is_micro(number):
        raise ValueError(f"expected the number of a state in a micro-run, got {number}")
    return number & MICRO_INDEX_LIMIT


def steps_in_words(number: int) -> str:
    """`step 1,234`, or `step 17 of the micro-run of step 1,234`: the step that leads to a state."""
    if not is_micro(number):
        return f"step {number:,}"
    return f"step {micro_index_of(number):,} of {_micro_run_in_words(number)}"


def span_in_words(low: int, high: int) -> str:
    """`steps 12 to 1,234`, or `steps 0 to 17 of the micro-run of step 1,234`: an interval of states."""
    if not is_micro(low):
        return f"steps {low:,} to {high:,}"
    return f"steps {micro_index_of(low):,} to {micro_index_of(high):,} of {_micro_run_in_words(low)}"


def _micro_run_in_words(number: int) -> str:
    return f"the micro-run of step {run_number_of(number) + 1:,}"
