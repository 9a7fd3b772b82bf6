"""np.argsort keeps equal items in their order: NumPy's default order of them depends on the processor."""

from typing import Any

from numba.np import arrayobj

_sort_function: Any = arrayobj.get_sort_func


def install_sorting() -> None:
    """Let every argsort be NumPy's kind="stable"."""
    arrayobj.get_sort_func = _stable_sort_function


def _stable_sort_function(kind: str, lt_impl: Any, is_argsort: bool = False) -> Any:
    return _sort_function("mergesort" if is_argsort else kind, lt_impl, is_argsort)
