"""The engine that options ask for. `truestep run` needs nothing else of what daemons import."""

from truestep.cli.failure import Failure
from truestep.composition.engines import EngineLimits, EngineName, open_engine
from truestep.ports.engine import Engine


def limited_engine(name: EngineName, limits: EngineLimits) -> Engine:
    """The engine with its limits."""
    try:
        return open_engine(name, limits)
    except ValueError as error:
        raise Failure("engine", str(error)) from error
