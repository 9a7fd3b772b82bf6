"""The rules and sizes of small simulations."""

from __future__ import annotations

from truestep.adapters.parameter_files import read_settings
from truestep.base.ids import Address
from truestep.protocol.settlement.parameters import Parameters
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.market import Market, Setting

OWNERS = ("proposer=deployer", "guardian=none")
ASSUMED = Assumptions()


def mainnet() -> Parameters:
    """The parameters that ship for a network whose coins are worth something."""
    return read_settings("mainnet", OWNERS, Address("0x" + "0" * 39 + "1")).rules


def played(setting: Setting, seed: int = 1, assumed: Assumptions = ASSUMED) -> Market:
    """A small market, to its end."""
    return Market(mainnet(), assumed, setting, seed).run()
