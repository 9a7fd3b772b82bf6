"""The embedded chain's index answers as eth-tester does, and reads no more of the chain than it finds."""

from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from web3 import Web3
from web3.exceptions import TransactionNotFound

from truestep.adapters.chain.devnet import EmbeddedDevnet

# A contract that logs (topic 0, topic 1) and (topic 0), the two words of what it is called with.
_LOGS = "602035" "600035" "60006000" "a2" "600035" "60006000" "a1" "00"  # fmt: skip
EMITTER = "0x" + "6014" "80" "600b" "6000" "39" "6000" "f3" + _LOGS  # fmt: skip
EMPTY_BLOCKS = 4
A, B = (f"0x{number:064x}" for number in (1, 2))


class Chain:
    """Two emitters; (emitter, topic 0, topic 1) logged in blocks that many empty ones part."""

    def __init__(self) -> None:
        self.devnet = EmbeddedDevnet()
        self.web3: Any = Web3(self.devnet.node)
        self.tester: Any = self.devnet.node.ethereum_tester
        self.rich = self.web3.eth.accounts[0]
        self.emitters = [self._deploy(), self._deploy()]

    def _deploy(self) -> str:
        sent = self.web3.eth.send_transaction({"from": self.rich, "data": EMITTER})
        return self.web3.eth.get_transaction_receipt(sent)["contractAddress"]

    def emit(self, emitter: int, first: str, second: str) -> Any:
        words = f"{first}{second.removeprefix('0x')}"
        return self.web3.eth.send_transaction(
            {"from": self.rich, "to": self.emitters[emitter], "data": words}
        )

    def count_reads(self) -> Counter[str]:
        """How often a block or a header is read from now on."""
        reads: Counter[str] = Counter()
        chain = self.tester.backend.chain

        def counted(name: str) -> Callable[..., Any]:
            read = getattr(chain, name)

            def count(*arguments: Any) -> Any:
                reads[name] += 1
                return read(*arguments)

            return count

        for name in ("get_canonical_block_by_number", "get_canonical_block_header_by_number"):
            setattr(chain, name, counted(name))
        return reads


@pytest.fixture(scope="module")
def chain() -> Chain:
    chain = Chain()
    for emitter, first, second in ((0, A, A), (0, A, B), (1, A, B), (1, B, A), (0, B, B)):
        chain.emit(emitter, first, second)
        chain.tester.mine_blocks(EMPTY_BLOCKS)
    return chain


TOPICS = (None, [A], [None, B], [[A, B]], [[A], [A, B]], [B], [A, A, A])
EMITTERS = (None, [0], [1], [0, 1])
BLOCKS = ((0, "latest"), (4, 16), (3, 3), (20, 10))


def test_logs_are_those_that_the_whole_chain_gives(chain: Chain) -> None:
    for topics, emitters, (first, last) in product(TOPICS, EMITTERS, BLOCKS):
        asked = {
            "from_block": first,
            "to_block": last,
            "address": emitters and [chain.emitters[number] for number in emitters],
            "topics": topics,
        }
        walked = type(chain.tester).get_logs(chain.tester, **asked)
        assert list(chain.tester.get_logs(**asked)) == list(walked), asked


def test_logs_of_one_block_by_its_hash(chain: Chain) -> None:
    (first, *_) = chain.web3.eth.get_logs({"fromBlock": 0})
    logs = chain.web3.eth.get_logs({"blockHash": first["blockHash"]})
    assert [log["blockNumber"] for log in logs] == [first["blockNumber"]] * 2


def test_a_question_reads_no_block_that_was_read_before(chain: Chain) -> None:
    reads = chain.count_reads()
    assert len(chain.web3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"})) == 10
    assert len(chain.web3.eth.get_logs({"fromBlock": 0, "topics": [[A, B], A]})) == 2
    assert not reads
    with pytest.raises(TransactionNotFound):
        chain.web3.eth.get_transaction_receipt("0x" + "11" * 32)
    assert sum(reads.values()) <= 1
    chain.tester.mine_blocks(3)
    chain.emit(0, A, A)
    reads.clear()
    assert len(chain.web3.eth.get_logs({"fromBlock": 0, "address": chain.emitters[0]})) == 8
    assert not reads


def test_a_receipt_reads_its_own_block(chain: Chain) -> None:
    sent = chain.emit(1, B, B)
    chain.tester.mine_blocks(10)
    reads = chain.count_reads()
    receipt = chain.web3.eth.get_transaction_receipt(sent)
    assert [log["logIndex"] for log in receipt["logs"]] == [0, 1]
    assert chain.web3.eth.get_transaction(sent)["blockNumber"] == receipt["blockNumber"]
    assert reads["get_canonical_block_by_number"] <= 2


def test_what_a_snapshot_takes_back_is_gone(chain: Chain) -> None:
    before = chain.web3.eth.get_logs({"fromBlock": 0})
    snapshot = chain.tester.take_snapshot()
    sent = chain.emit(0, A, A)
    assert len(chain.web3.eth.get_logs({"fromBlock": 0})) == len(before) + 2
    chain.tester.revert_to_snapshot(snapshot)
    assert chain.web3.eth.get_logs({"fromBlock": 0}) == before
    with pytest.raises(TransactionNotFound):
        chain.web3.eth.get_transaction(sent)


def test_the_history_of_fees_ends_with_the_next_block(chain: Chain) -> None:
    newest = chain.web3.eth.block_number
    history = chain.web3.eth.fee_history(3, "latest", [50])
    blocks = [chain.web3.eth.get_block(number) for number in range(newest - 2, newest + 1)]
    assert history["oldestBlock"] == newest - 2
    assert history["baseFeePerGas"][:3] == [block["baseFeePerGas"] for block in blocks]
    assert history["baseFeePerGas"][3] == chain.web3.eth.get_block("pending")["baseFeePerGas"]
    assert len(history["reward"]) == 3
