"""A devnet refuses a window in which every worker would leave every job alone."""

from truestep.cli.commands.devnet import devnet
from truestep.devnet.windows import SMALL_JOB_CYCLES, largest_job_cycles, least_window_seconds


def test_the_least_window_takes_a_small_job_and_a_shorter_one_does_not() -> None:
    least = least_window_seconds()
    assert largest_job_cycles(least) >= SMALL_JOB_CYCLES > largest_job_cycles(least - 2)
    assert largest_job_cycles(10) == 0
    assert largest_job_cycles(10 * least) > largest_job_cycles(least)


def test_the_help_names_it() -> None:
    option = devnet.__annotations__["window"].__metadata__[0]
    assert f"At least {least_window_seconds()}." in option.help
