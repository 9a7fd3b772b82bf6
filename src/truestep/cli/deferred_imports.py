"""Defers imports of libraries that are slow to import and that no command needs.

`eth_keyfile` imports the curves of validators' keystores. Their pairings compute tables on import, which
takes 0.4 s, a third of `truestep status`.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

_PAIRINGS = ("py_ecc.bls12_381.bls12_381_pairing", "py_ecc.optimized_bls12_381.optimized_pairing")
"""Modules from which other modules import only functions."""


_UNUSED = "aiohttp"
"""Only web3's connections for asyncio use it, and no command has one. It takes 0.1 s and 9 MiB."""


class _Unused(ModuleType):
    """Stands for a module whose classes other modules name, and never make."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []  # it has modules in it

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


class _Deferred(ModuleType):
    """Stands for a module of functions, and loads it when the first of them is called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **options: Any) -> Any:
            return getattr(self._load(), name)(*arguments, **options)

        return call

    def _load(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)


def defer_imports() -> None:
    """Let the slow modules load only when they are called. Modules that are already loaded stay."""
    sys.modules.setdefault(_UNUSED, _Unused(_UNUSED))
    for name in _PAIRINGS:
        sys.modules.setdefault(name, _Deferred(name))
