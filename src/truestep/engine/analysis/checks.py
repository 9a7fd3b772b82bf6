"""Where a function checks the budget besides its entries: in each round of every loop, and on long paths.

A jump back is often none of a loop: compilers put rare code behind a function and interpreters the code that
handlers share before them. A check costs more than its two instructions, because the function can be left and
entered there, with its registers where others can find them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from truestep.engine.analysis.loops import Loop

PATH_LIMIT_INSTRUCTIONS = 256
"""The longest path between two checks of the budget, not counting copies of loops. Before an exact stop, up
to this many cycles, the window (liveness) and the copies (loops) may be stepped one by one."""


def loop_heads(
    successors: Mapping[int, Sequence[int]], entries: Collection[int]
) -> tuple[frozenset[int], list[int]]:
    """(blocks with which every cycle is cut that no entry cuts, all blocks in an order).

    In that order a block comes after those that may follow it, but for entries and the heads. The search
    starts at the entries, so that it comes into most loops by their heads.
    """
    heads: set[int] = set()
    order: list[int] = []
    is_open: dict[int, bool] = {}
    """Blocks that were found → whether they lie on the current path."""
    for root in (*sorted(entries), *sorted(successors)):
        if root in is_open:
            continue
        is_open[root] = True
        path: list[tuple[int, Iterator[int]]] = [(root, iter(successors[root]))]
        while path:
            block, following = path[-1]
            to = next(following, None)
            if to is None:
                path.pop()
                is_open[block] = False
                order.append(block)
            elif to in entries or is_open.get(to) is False:
                continue
            elif to in is_open:
                heads.add(to)
            else:
                is_open[to] = True
                path.append((to, iter(successors[to])))
    return frozenset(heads), order


def least_budgets(
    cycles: Mapping[int, int],
    successors: Mapping[int, Sequence[int]],
    order: Sequence[int],
    checked: Collection[int],
    loops: Mapping[int, Loop],
) -> dict[int, int]:
    """Block with a check → the longest path from there to the next one.

    Blocks are visited in `order`, with `checked` from `loop_heads`, and are checked where a path is too long.
    """
    needs: dict[int, int] = {}
    ways: dict[int, int] = {}
    for start in order:
        way = cycles[start] + max((ways.get(to, 0) for to in successors[start]), default=0)
        loop = loops.get(start)
        if start in checked or (loop is None and way > PATH_LIMIT_INSTRUCTIONS):
            needs[start] = way + (loop.round_limit_cycles * (loop.copies - 1) if loop else 0)
        else:
            ways[start] = way
    return needs
