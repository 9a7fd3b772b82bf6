"""Defers imports of libraries that are slow to import and that most commands do not need.

`eth_keyfile` reads keystores, which commands that only look at the chain do not need. It imports functions
that derive keys, and the curves of validators' keystores, whose pairings compute tables on import: 0.4 s.
`web3` imports three libraries for connections; this program has its own. Together they were half of
`truestep status`.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_LATER = (
    "Crypto.Protocol.KDF",
    "py_ecc.bls",
    "py_ecc.bls12_381.bls12_381_pairing",
    "py_ecc.optimized_bls12_381.optimized_pairing",
)
"""Modules from which other modules import only what they call later."""
_UNUSED = (
    "aiohttp",
    "httpx._main",
    "requests",
    "websockets",
    "websockets.asyncio",
    "websockets.asyncio.client",
    "websockets.exceptions",
    "websockets.protocol",
)
"""Only web3's own connections use them, and no command has one; or, the second, a command of httpx."""


class _Unused(ModuleType):
    """Stands for a module whose classes other modules name, and never make."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []  # it has modules in it

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


class _Later:
    """Stands for a function or a class of a module, which is loaded when it is used."""

    def __init__(self, load: Callable[[], Any], name: str) -> None:
        self._load, self._name = load, name

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return getattr(self._load(), self._name)(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(getattr(self._load(), self._name), name)


class _Deferred(ModuleType):
    """Stands for a module, and loads it when the first thing of it is used. Modules in it load as usual."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        folders = _folders(name)
        if folders:
            self.__path__ = folders

    def __getattr__(self, name: str) -> _Later:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Later(self._load, name)

    def _load(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)


def _folders(name: str) -> list[str]:
    """Where the modules in a package are, found without importing it; none if it is no package."""
    top, *rest = name.split(".")
    spec = find_spec(top)
    places = spec.submodule_search_locations if spec else None
    return [str(folder) for place in places or () if (folder := Path(place, *rest)).is_dir()]


def defer_imports() -> None:
    """Let the slow modules load only when they are called. Modules that are already loaded stay."""
    for name in _UNUSED:
        sys.modules.setdefault(name, _Unused(name))
    for name in _LATER:
        sys.modules.setdefault(name, _Deferred(name))
