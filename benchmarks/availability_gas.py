"""Gas of the transactions that keep data available, on anvil; writes docs/availability-gas.md."""

from __future__ import annotations

import re
import sys
from dataclasses import astuple, replace
from random import Random

from _anvil import REPOSITORY
from _gas_command import Measured, run
from _gas_items import RULES, SEATS, Blobs, Gas, Shelf, some_blobs
from _gas_kept import FAILED, measure_kept
from _gas_network import Network
from _gas_page import Bar, bars_table, gas_table
from web3 import Web3

from truestep.availability.parts import Part
from truestep.base.ids import Bytes32
from truestep.protocol.availability.layout import join

PAGE = REPOSITORY / "docs" / "availability-gas.md"
COMMAND = "python benchmarks/availability_gas.py"
DRAW_SHARE = 0.04
"""By how much a figure may differ: a draw of four keepers looks at four entries or at many more."""
NUMBER = re.compile(r"\d[\d,]*")
HEADING = f"""\
# Gas of data availability

Written by `{COMMAND}`: every figure is the `gasUsed` of a transaction on anvil 1.7.1 under Osaka rules, with
real openings and blobs. Items have four seats and one part if nothing else is said. A blob that is published
costs 131,072 blob gas beside it. `assign` depends on the block's randomness, and others a little on who was
drawn: `tests/benchmarks/test_gas.py` measures again and lets figures differ by {DRAW_SHARE:.0%}. `--json`
prints the figures that have a bar.
"""
LARGEST = 768
"""Leaves of 24 KiB."""
WRITTEN = {"one leaf": (1,), "32 outputs of 64 bytes": (2,) * 32, "4 KiB": (128,), "24 KiB": (LARGEST,)}
"""Leaves of each tree."""
ANSWERS = ("`answer_element`, item of one blob", "`answer_element`, item of 32 blobs")
PUBLISHED = (
    "`answer_blob`, item of one blob, beside the blob gas",
    "`answer_blob`, item of 32 blobs, beside the blob gas",
)


def measure(web3: Web3) -> Gas:
    """Each kind of call. The first of a kind is measured where its bar is about the worst case."""
    shelf, one, many = Shelf(web3), some_blobs(1), some_blobs(32)
    shelf.registered(many)
    shelf.register_blobs(one)
    for what, sizes in WRITTEN.items():
        shelf.register_calldata(what, sizes)
    item = shelf.kept(one)
    item.answer_element()
    item.answer_blob()
    large = shelf.kept(many)
    large.answer_element()
    large.answer_blob()
    large.answer_blob(SEATS)
    collect = shelf.items.functions.collect(item.item_id, astuple(item.record), 0)
    shelf.send("`collect`", collect)
    item.settle()
    large.strike_mismatch()
    _measure_descent(shelf, one)
    shelf.pass_time(2 * 365 * 86_400)
    close = shelf.items.functions.close_item(item.item_id, astuple(item.record))
    shelf.send("`close_item` with three keepers", close)
    return {name: gas for name, gas in shelf.gas.items() if name != "connect"}


def _measure_descent(shelf: Shelf, content: Blobs) -> None:
    """A root of which 64 nodes are known six levels below: an answer and a pick."""
    rng = Random(64)
    nodes = [Bytes32(rng.randbytes(32)) for _ in range(64)]
    part = Part(root=join(nodes, 0), depth=24, first_leaf=0, leaf_count=content.part.leaf_count)
    item = shelf.kept(replace(content, part=part))
    demand_id, demand = item.open_demand()
    give = shelf.bindings.functions.give(demand_id, astuple(demand), nodes)
    given = shelf.event(shelf.bindings, "NodesGiven", shelf.send("`give` of 64 nodes", give, 0))["demand"]
    levels = [nodes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([join(below[at : at + 2], 0) for at in range(0, len(below), 2)])
    child = 37
    siblings = [level[child >> up ^ 1] for up, level in enumerate(levels[:-1])]
    stated = (demand_id, tuple(given.values()), child, nodes[child], siblings)
    shelf.send("`pick`", shelf.bindings.functions.pick(*stated), SEATS + 1)
    shelf.pass_time(RULES.answer_seconds + 1)
    fields = shelf.bindings.events.Picked.create_filter(from_block=0).get_all_entries()[0]["args"]["demand"]
    settle = shelf.bindings.functions.settle_demand(demand_id, tuple(fields.values()), astuple(item.record))
    shelf.send("`settle_demand`, which strikes", settle)


def bars(gas: Gas) -> list[Bar]:
    """Each figure with what it may be at most."""
    found = {
        "answer_element": ("answer to an element challenge", 105_000, max(gas[name] for name in ANSWERS)),
        "answer_blob": (
            "publishing answer, beside the blob gas",
            75_000,
            max(gas[name] for name in PUBLISHED),
        ),
        "register_1": ("`register` of an item of one blob", 120_000, gas["`register` of 1 blob"]),
        "register_32": ("`register` of an item of 32 blobs", 200_000, gas["`register` of 32 blobs"]),
        "written_1": ("`register_calldata` of one leaf", 125_000, gas["`register_calldata` of one leaf"]),
        "written_768": (
            "`register_calldata` of 24 KiB",
            1_100_000,
            gas["`register_calldata` of 24 KiB"],
        ),
        "supply": ("`supply` of a job", 200_000, gas["`supply`"]),
        "deliver_32": ("`deliver`, for each of 32 outputs", 10_000, gas["`deliver` of 32 outputs"] // 32),
        "fail": ("`fail`, which is paid for 300,000 of gas", 300_000, gas[f"`fail` of a leaf of {FAILED}"]),
        "give": ("an answer to a demand, which its bond pays for", 200_000, gas["`give` of 64 nodes"]),
    }
    return [
        Bar(name=name, what=what, limit=limit, measured=measured)
        for name, (what, limit, measured) in found.items()
    ]


def page(gas: Gas, judged: list[Bar]) -> str:
    """The whole page."""
    parts = (HEADING, "## Bars\n", bars_table(judged))
    return "\n".join((*parts, "## Every kind of call\n", gas_table("transaction", gas)))


def agrees(was: str, fresh: str) -> bool:
    """Whether two pages differ at most in figures, and in these no more than draws explain."""
    before, after = _numbers(was), _numbers(fresh)
    if NUMBER.sub("", was) != NUMBER.sub("", fresh) or len(before) != len(after):
        return False
    pairs = zip(before, after, strict=True)
    return all(abs(one - other) <= DRAW_SHARE * other for one, other in pairs)


def _numbers(text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in NUMBER.findall(text)]


def measured(web3: Web3) -> Measured:
    """The bars and the whole page."""
    of_jobs = measure_kept(Network(web3), Shelf(web3))
    gas = measure(web3) | of_jobs
    judged = bars(gas)
    return judged, page(gas, judged)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    return run(PAGE, COMMAND, measured, arguments, agrees=agrees)


if __name__ == "__main__":
    sys.exit(main())
