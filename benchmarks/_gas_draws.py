"""Secrets, pledges and draws on anvil: what Randomness and Sortition take (docs/assignment.md)."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

from _gas_network import DRAWS, OPERATOR, OTHER, REQUESTER, Network

from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.pools import Pool, pool_of, select
from truestep.protocol.assignment.randomness import commitment_of
from truestep.protocol.settlement.encoding import encode

MEMBER_COUNT = 10_000
POOL, OTHER_POOL = 7, 8
SECRET = Bytes32(keccak256(b"secret"))
LEVELS, CHILDREN_BITS, WEIGHT_BITS = 7, 2, 64
SLOTS_SEARCHED = 64
"""Storage places of a contract that may be those of a mapping."""
WRITES_AT_ONCE = 1_000
FIVE_OF_MANY = "`select` of 5 among 10,000"


class DrawsNetwork:
    """A network whose pool has 10,000 members, most of which were written into its storage."""

    def __init__(self, network: Network) -> None:
        self.network, self.gas = network, dict[str, int]()
        self.randomness, self.sortition = network.randomness.functions, network.sortition.functions

    def measure(self) -> dict[str, int]:
        """Every call once, in order of the phases of a round."""
        network, least_wei = self.network, DRAWS.least_pledge_wei
        operator, other = network.account(OPERATOR), network.account(OTHER)
        network.gas(network.operators.functions.deposit_for(other), OTHER, 10 * least_wei)
        network.pass_to(0)
        number = self.randomness.round_at(network.now).call()
        for title, sender, value_wei in (
            ("`commit`, the first of a round", OPERATOR, DRAWS.entropy_bond_wei),
            ("`commit`, another one", OTHER, DRAWS.entropy_bond_wei),
        ):
            promised = commitment_of(network.account(sender), number, SECRET)
            self.gas[title] = network.gas(self.randomness.commit(number, promised), sender, value_wei)
        join = self.sortition.join
        self.gas["`join`, the first of a pool"] = network.gas(join(operator, POOL, least_wei), OPERATOR)
        self.gas["`join`, another one"] = network.gas(join(other, POOL, least_wei), OTHER)
        self.gas["`join`, with more"] = network.gas(join(other, POOL, least_wei), OTHER)
        self.gas["`leave`"] = network.gas(self.sortition.leave(other), OTHER)
        network.pass_to(DRAWS.commit_seconds)
        for title, sender in (
            ("`reveal`, the first of a round", OPERATOR),
            ("`reveal`, another one", OTHER),
        ):
            self.gas[title] = network.gas(self.randomness.reveal(SECRET), sender)
        network.pass_to(DRAWS.commit_seconds + DRAWS.reveal_seconds)
        self.gas |= self._draws(self._filled())
        return self.gas

    def _draws(self, pool: Pool) -> dict[str, int]:
        """Draws, each sent as a transaction, and compared with the model's."""
        found: dict[str, int] = {}
        excluded = list(pool.slots[:16])
        for title, count, out in (
            ("`select` of 1 among 10,000", 1, []),
            (FIVE_OF_MANY, 5, []),
            ("`select` of 16 among 10,000", 16, []),
            ("`select` of 5 among 10,000, 1 excluded", 5, excluded[:1]),
        ):
            call = self.sortition.select(POOL, SECRET, count, out)
            assert call.call() == list(select(pool, SECRET, count, out)), "the model draws others"
            found[title] = self.network.gas(call, REQUESTER)
        return found

    def _filled(self) -> Pool:
        """Members beside the one that has joined: 10,000 transactions would do nothing else."""
        first = Address(self.network.account(OPERATOR))
        least = DRAWS.least_pledge_wei // 10**9
        others = {
            Address(self.network.web3.to_checksum_address(f"0x{number:040x}")): least + number
            for number in range(1, MEMBER_COUNT)
        }
        pool = pool_of({first: least} | others)
        nodes, slots = (self._place(*known) for known in self._known(first, least))
        writes = [(keccak256(encode(nodes, key)), word) for key, word in _node_words(pool)]
        writes += [
            (keccak256(encode(slots, POOL << 16 | slot)), int(who, 16)) for slot, who in enumerate(pool.slots)
        ]
        self._write(writes)
        return pool

    def _known(self, first: Address, weight: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """A key and a word of the tree of sums, and of the list of members, by which they are found."""
        return (POOL << 24, weight), (POOL << 16, int(first, 16))

    def _place(self, key: int, word: int) -> int:
        """The storage place of the mapping that has this word."""
        eth, address = self.network.web3.eth, self.network.sortition.address
        for place in range(SLOTS_SEARCHED):
            at = int.from_bytes(keccak256(encode(place, key)), "big")
            if int.from_bytes(eth.get_storage_at(address, at), "big") == word:
                return place
        raise RuntimeError("no mapping of Sortition has the word of the member that joined")

    def _write(self, writes: Sequence[tuple[bytes, int]]) -> None:
        provider: Any = self.network.web3.provider
        address = self.network.sortition.address
        for start in range(0, len(writes), WRITES_AT_ONCE):
            part = writes[start : start + WRITES_AT_ONCE]
            calls: list[Any] = [
                {
                    "jsonrpc": "2.0",
                    "id": number,
                    "method": "anvil_setStorageAt",
                    "params": [address, f"0x{at.hex()}", f"0x{word:064x}"],
                }
                for number, (at, word) in enumerate(part)
            ]
            request = urllib.request.Request(
                provider.endpoint_uri, json.dumps(calls).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request) as answer:
                assert len(json.load(answer)) == len(part)


def _node_words(pool: Pool) -> Iterator[tuple[int, int]]:
    """Keys and words of the tree of sums (docs/assignment.md D4.2)."""
    sums = list(pool.weights)
    for level in range(LEVELS):
        sums += [0] * (-len(sums) % (1 << CHILDREN_BITS))
        groups = [sums[at : at + 4] for at in range(0, len(sums), 4)]
        for index, group in enumerate(groups):
            word = sum(weight << WEIGHT_BITS * place for place, weight in enumerate(group))
            yield POOL << 24 | level << 16 | index, word
        sums = [sum(group) for group in groups]
