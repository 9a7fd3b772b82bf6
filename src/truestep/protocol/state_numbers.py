"""The numbers of states, of a run and of the micro-runs inside it (machine M9.6), and words for them."""

MICRO_FLAG = 1 << 63
MICRO_INDEX_BITS = 12
MICRO_INDEX_LIMIT = (1 << MICRO_INDEX_BITS) - 1
"""Steps that a revealed micro-run may have at most (P4.10)."""
RUN_NUMBER_LIMIT = 1 << (63 - MICRO_INDEX_BITS)
"""A run's state numbers are below it, so that the states of their micro-runs have numbers of 64 bits."""


def micro_number(run_number: int, index: int) -> int:
    """State number `index` of the micro-run of the instruction that state number `run_number` executes."""
    if not (0 <= run_number < RUN_NUMBER_LIMIT and 0 <= index <= MICRO_INDEX_LIMIT):
        raise ValueError(
            f"expected a state number below {RUN_NUMBER_LIMIT} and an index of at most {MICRO_INDEX_LIMIT},"
            f" got {run_number} and {index}"
        )
    return MICRO_FLAG | run_number << MICRO_INDEX_BITS | index


def is_micro(number: int) -> bool:
    """Whether a state number is of a micro-run."""
    return number >= MICRO_FLAG


def run_number_of(number: int) -> int:
    """The number itself, or that of the run's state whose instruction the micro-run is of."""
    return (number ^ MICRO_FLAG) >> MICRO_INDEX_BITS if is_micro(number) else number


def micro_index_of(number: int) -> int:
    """Which state of its micro-run a number names."""
    if not is_micro(number):
        raise ValueError(f"expected the number of a state in a micro-run, got {number}")
    return number & MICRO_INDEX_LIMIT


def steps_in_words(number: int) -> str:
    """`step 1,234`, or `step 17 of the micro-run of step 1,234`: the step that a state comes after."""
    if not is_micro(number):
        return f"step {number:,}"
    return f"step {micro_index_of(number):,} of {_micro_run_in_words(number)}"


def span_in_words(low: int, high: int) -> str:
    """`steps 12 to 1,234`, or `steps 0 to 17 of the micro-run of step 1,234`: between two states."""
    if not is_micro(low):
        return f"steps {low:,} to {high:,}"
    return f"steps {micro_index_of(low):,} to {micro_index_of(high):,} of {_micro_run_in_words(low)}"


def _micro_run_in_words(number: int) -> str:
    return f"the micro-run of step {run_number_of(number) + 1:,}"
