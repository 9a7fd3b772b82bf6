"""Keep out of a command's start what libraries compute on import and no command needs.

`eth_keyfile` imports the curves of validators' keystores. Their pairings compute tables on import, in
0.4 s: a third of `truestep status`.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

_PAIRINGS = ("py_ecc.bls12_381.bls12_381_pairing", "py_ecc.optimized_bls12_381.optimized_pairing")
"""Modules of which others take functions alone."""


class _Deferred(ModuleType):
    """Stands for a module of functions; loads it when the first of them is called."""

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
    """Have the slow modules load when they are called, if ever; those that are loaded stay."""
    for name in _PAIRINGS:
        sys.modules.setdefault(name, _Deferred(name))
