"""A devnet refuses a window in which every worker would leave every job alone."""

import pytest

from truestep.adapters.chain.deploy import owned_by
from truestep.base.errors import Rejected
from truestep.cli.commands.devnet import devnet
from truestep.devnet.network import WINDOW_MIN_SECONDS, devnet_parameters
from truestep.devnet.windows import SMALL_JOB_CYCLES, largest_job_cycles, least_window_seconds
from truestep.protocol.calls import NOBODY
from truestep.protocol.deployment.bounds import check_parameters
from truestep.protocol.settlement.parameters import MINUTE_SECONDS, Parameters


def assert_deployable(rules: Parameters) -> None:
    """The contracts accept them."""
    check_parameters(rules, owned_by(NOBODY))


def test_the_least_window_is_the_contracts_own_and_takes_a_small_job() -> None:
    least = least_window_seconds()
    assert least == WINDOW_MIN_SECONDS
    assert largest_job_cycles(least) >= SMALL_JOB_CYCLES
    assert_deployable(devnet_parameters(least))
    with pytest.raises(Rejected):
        assert_deployable(devnet_parameters(least - MINUTE_SECONDS))
    assert largest_job_cycles(10) == 0
    assert largest_job_cycles(10 * least) > largest_job_cycles(least)


def test_the_help_names_it() -> None:
    option = devnet.__annotations__["window"].__metadata__[0]
    assert f"At least {least_window_seconds()}." in option.help
