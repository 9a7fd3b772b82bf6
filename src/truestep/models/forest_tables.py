"""Lays out decision trees for the code that walks them (trees.h)."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from truestep.models.description import Leaf, Missing, Split, Tree, Trees

NODE = np.dtype([("threshold", "<f8"), ("column", "<i4"), ("left", "<i4")])
COLUMN = np.dtype([("feature", "<i4"), ("rule", "<i4")])
SET = np.dtype(
    [
        ("feature", "<i4"),
        ("is_missing_left", "<i4"),
        ("first_word", "<i4"),
        ("words", "<i4"),
        ("value", "<f8"),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestTables:
    """An ensemble as arrays."""

    nodes: npt.NDArray[np.void]
    columns: npt.NDArray[np.void]
    sets: npt.NDArray[np.void]
    set_words: npt.NDArray[np.uint32]
    roots: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]
    values: npt.NDArray[np.floating]
    values_per_leaf: int


@dataclass(slots=True)
class _Tables:
    nodes: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])
    columns: dict[tuple[int, Missing], int] = field(default_factory=dict[tuple[int, Missing], int])
    sets: list[tuple[int, int, int, int, float]] = field(
        default_factory=list[tuple[int, int, int, int, float]]
    )
    words: list[int] = field(default_factory=list[int])
    roots: list[int] = field(default_factory=list[int])
    values: list[float] = field(default_factory=list[float])


def forest_tables(ensemble: Trees, dtype: np.dtype[np.floating]) -> ForestTables:
    """The arrays of an ensemble, whose leaves hold numbers of `dtype`."""
    tables = _Tables()
    for tree in ensemble.trees:
        _add_tree(tables, tree)
    sizes = {len(node.numbers) for tree in ensemble.trees for node in tree.nodes if isinstance(node, Leaf)}
    return ForestTables(
        nodes=np.array(tables.nodes, NODE),
        columns=np.array([(feature, rule) for feature, rule in tables.columns], COLUMN),
        sets=np.array(tables.sets, SET),
        set_words=np.array(tables.words, np.uint32),
        roots=np.array(tables.roots, np.int32),
        targets=np.array([tree.target for tree in ensemble.trees], np.int32),
        values=np.array(tables.values, dtype),
        values_per_leaf=max(sizes, default=1),
    )


def _add_tree(tables: _Tables, tree: Tree) -> None:
    """Nodes in the order of their depth, children side by side."""
    root = _new_nodes(tables, 1)
    tables.roots.append(root)
    waiting = deque([(0, root)])
    while waiting:
        number, place = waiting.popleft()
        node = tree.nodes[number]
        if isinstance(node, Leaf):
            tables.nodes[place] = (float(len(tables.values)), 0, place)
            tables.values += node.numbers
        else:
            children = _new_nodes(tables, 2)
            tables.nodes[place] = (node.threshold, _column(tables, node), children)
            waiting.append((node.left, children))
            waiting.append((node.right, children + 1))


def _new_nodes(tables: _Tables, count: int) -> int:
    first = len(tables.nodes)
    tables.nodes += [(0.0, 0, 0)] * count
    return first


def _column(tables: _Tables, node: Split) -> int:
    """A number above 0 for what is compared with the threshold, one below 0 for a set."""
    if node.members is None:
        columns = tables.columns
        return columns.setdefault((node.feature, node.missing), len(columns) + 1)
    members = node.members
    first = len(tables.words)
    tables.words += members.words
    is_missing_left = int(members.is_missing_left)
    tables.sets.append((node.feature, is_missing_left, first, len(members.words), members.number))
    return -len(tables.sets)
