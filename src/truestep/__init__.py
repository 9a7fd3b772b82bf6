"""Off-chain work whose results any EVM chain can check."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from truestep.guest.sdk import Task as Task
    from truestep.guest.sdk import guest as guest


def __getattr__(name: str) -> object:
    """`truestep.guest` and `truestep.Task`, loaded when a guest asks for them."""
    import importlib

    if name == "guest":
        return importlib.import_module("truestep.guest")
    if name == "Task":
        from truestep.guest.sdk import Task

        return Task
    raise AttributeError(f"module 'truestep' has no attribute {name!r}")
