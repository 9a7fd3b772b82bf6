"""Assignments to items that Numba takes for dead code.

Where it has written a comprehension or an inner function in its place, Numba drops unused code, and with it
`box.data[0] = 5` and `groups.setdefault(key, {})[name] = 1`: it does not know what else holds the same array,
list or dictionary.
"""

from typing import Any

from numba.core import ir, ir_utils


def install_kept_assignments() -> None:
    """Keep them all."""
    _module: Any = ir_utils
    _module.remove_dead_block = _keeping_items(_module.remove_dead_block)


def _keeping_items(remove: Any) -> Any:
    def remove_but_items(
        block: Any, lives: Any, calls: Any, arguments: Any, aliases: Any, aliased: Any, *others: Any
    ) -> bool:
        set_items = {statement.target.name for statement in block.find_insts(ir.SetItem)}
        return remove(block, lives, calls, arguments | set_items, aliases, aliased, *others)

    return remove_but_items
