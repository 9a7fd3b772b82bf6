"""Finds values that translated code takes from nowhere: what follows from a variable that no store has set.

LLVM gives such a value whatever suits it, often the right one, so running programs hardly ever shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_DEFINITION = re.compile(r"^define [^\n]*@(f_\w+)\([^\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_ALLOCA = re.compile(r"^%(\S+) = alloca ")
_RESULT = re.compile(r"^%(\S+) = (.*)")
_LOAD = re.compile(r"^load (?:volatile )?\S+, ptr %([^\s,]+)")
_STORE = re.compile(r"^store (?:volatile )?\S+ (\S+), ptr %([^\s,]+)")
_NAME = re.compile(r"%([\w.]+)")
_LABEL = re.compile(r"label %([^\s,\]]+)")
_WAY_IN = "inward"
"""The label from which entries within loops are reached. The way there leads through the heads of the loops,
which run nothing then: it is taken as a jump from here to the entry."""


def undefined_uses(ir: str) -> Iterator[str]:
    """Lines that store, pass on or decide by a value that is undefined on some way to them."""
    for name, body in _DEFINITION.findall(ir):
        yield from (f"@{name}: {line}" for line in _Function(body).undefined_uses())


class _Function:
    """The blocks of a function, and which of its variables have a value on every way to each of them."""

    def __init__(self, body: str) -> None:
        self._blocks: dict[str, list[str]] = {}
        for line in filter(None, map(str.strip, body.splitlines())):
            if line.endswith(":"):
                self._blocks[line[:-1]] = []
            else:
                self._blocks[next(reversed(self._blocks))].append(line)
        lines = [line for block in self._blocks.values() for line in block]
        self._variables = {match[1] for line in lines if (match := _ALLOCA.match(line))}
        self._undefined: set[str] = set()
        """Results that follow from a variable without a value."""

    def undefined_uses(self) -> list[str]:
        """Flow forward to a fixed point, and again as long as that makes more results undefined."""
        while True:
            known = len(self._undefined)
            found = self._flow()
            if len(self._undefined) == known:
                return found

    def _flow(self) -> list[str]:
        edges = self._edges()
        first = next(iter(self._blocks))
        defined: dict[str, frozenset[str]] = {first: frozenset()}
        found: dict[str, list[str]] = {}
        pending = [first]
        while pending:
            label = pending.pop()
            after, found[label] = self._run(label, defined[label])
            for to in edges[label]:
                joined = defined[to] & after if to in defined else after
                if defined.get(to) != joined:
                    defined[to] = joined
                    pending.append(to)
        return [line for lines in found.values() for line in lines]

    def _edges(self) -> dict[str, list[str]]:
        edges = {
            label: [
                to for line in lines if line.startswith(("br ", "switch ")) for to in _LABEL.findall(line)
            ]
            for label, lines in self._blocks.items()
        }
        if _WAY_IN in edges:
            within = [label for label in edges if label.endswith("_ways")]
            edges[_WAY_IN] = [to for label in within for to in edges[label] if to.startswith("enter_")]
            edges.update({label: [] for label in within})
        return edges

    def _run(self, label: str, before: frozenset[str]) -> tuple[frozenset[str], list[str]]:
        """The variables with a value after a block, and its lines that use what has none."""
        defined, found = set(before), list[str]()
        for line in self._blocks[label]:
            result = _RESULT.match(line)
            if result and (load := _LOAD.match(result[2])) and load[1] in self._variables:
                if load[1] not in defined:
                    self._undefined.add(result[1])
                continue
            uses_undefined = not self._undefined.isdisjoint(_NAME.findall(result[2] if result else line))
            if (store := _STORE.match(line)) and store[2] in self._variables:
                (defined.discard if uses_undefined else defined.add)(store[2])
            elif uses_undefined and result and "call " not in line and " load " not in line:
                self._undefined.add(result[1])
            elif uses_undefined:
                found.append(line)
        return frozenset(defined), found
