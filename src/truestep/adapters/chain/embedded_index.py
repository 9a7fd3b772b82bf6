"""Fast look-ups in the embedded chain. Those of eth-tester walk through the whole chain."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import chain as chained
from typing import Any

FEE_HISTORY_LIMIT_BLOCKS = 1_024
"""The most blocks for which geth answers."""

_LATEST = (None, "latest", "pending", "safe", "finalized")
_Key = tuple[int, str]
"""(0, address) or (1 + position, topic)."""
_TOPIC_KEYS = (1, 2, 3, 4)


class ChainIndex:
    """The logs by address and topic, and transactions by hash, of an `EthereumTester`.

    It reads each block once, when the block is mined; a chain that was turned back (a snapshot) or exchanged
    (a chain file) is read anew.
    """

    def __init__(self, tester: Any) -> None:
        self._tester = tester
        self._serializers: Any = import_module("eth_tester.backends.pyevm.serializers")
        self._errors: Any = import_module("eth_tester.exceptions")
        self._missing: tuple[type[Exception], ...] = (
            import_module("eth.exceptions").TransactionNotFound,
            import_module("eth.exceptions").HeaderNotFound,
        )
        self._no_transactions: bytes = import_module("eth.constants").BLANK_ROOT_HASH
        self._clear()

    def install(self) -> None:
        """Make the tester use this index."""
        tester, backend = self._tester, self._tester.backend
        mine_blocks = tester.mine_blocks

        def mine_and_read(*arguments: Any, **options: Any) -> Any:
            hashes = mine_blocks(*arguments, **options)
            self._read_new_blocks()
            return hashes

        tester.mine_blocks = mine_and_read
        tester.get_logs = self.logs
        tester.get_fee_history = self.fee_history
        backend.get_transaction_by_hash = self.transaction
        backend.get_transaction_receipt = self.receipt

    # --- transactions, which the chain itself keeps by hash -------------------------------------------------

    def transaction(self, transaction_hash: bytes) -> Any:
        """A mined transaction, in the backend's form. Raises eth-tester's TransactionNotFound."""
        block, index = self._find(transaction_hash)
        return self._serializers.serialize_transaction(block, block.transactions[index], index, False)

    def receipt(self, transaction_hash: bytes) -> Any:
        """Its receipt; logs are numbered through the block and the price of blob gas is one, as by a node."""
        block, index = self._find(transaction_hash)
        receipts = block.get_receipts(self._chain.chaindb)
        fields = self._serializers.serialize_transaction_receipt(
            block, receipts, block.transactions[index], index, False, self._chain.get_vm()
        )
        earlier = sum(len(receipt.logs) for receipt in receipts[:index])
        for log in fields["logs"]:
            log["log_index"] += earlier
        if fields.get("blob_gas_used"):  # eth-tester has the whole fee there
            fields["blob_gas_price"] //= fields["blob_gas_used"]
        return fields

    def _find(self, transaction_hash: bytes) -> tuple[Any, int]:
        try:
            number, index = self._chain.chaindb.get_transaction_index(transaction_hash)
            block = self._chain.get_canonical_block_by_number(number)
            is_in_chain = number < self._chain.get_block().number  # what a snapshot took back stays on record
            if is_in_chain and block.transactions[index].hash == transaction_hash:
                return block, index
        except (*self._missing, IndexError):
            pass
        raise self._errors.TransactionNotFound(f"no transaction 0x{transaction_hash.hex()}")

    # --- logs -----------------------------------------------------------------------------------------------

    def logs(
        self,
        from_block: int | str | None = None,
        to_block: int | str | None = None,
        address: Any = None,
        topics: Any = None,
        blockHash: str | bytes | None = None,  # noqa: N803 - web3 passes it on as JSON-RPC has it
    ) -> tuple[Any, ...]:
        """What eth_getLogs answers, in the tester's form. Raises eth-tester's ValidationError."""
        self._tester.validator.validate_inbound_filter_params(
            from_block=from_block, to_block=to_block, address=address, topics=topics
        )
        self._read_new_blocks()
        if blockHash is not None:
            name = blockHash if isinstance(blockHash, str) else f"0x{blockHash.hex()}"
            first = last = self._tester.get_block_by_hash(name)["number"]
        else:
            first, last = self._number(from_block), self._number(to_block)
        low, high = bisect_left(self._blocks, first), bisect_right(self._blocks, last)
        wanted = list(_wanted(address, topics))
        spans = [[_within(self._places.get(key, []), low, high) for key in keys] for keys in wanted]
        fewest: Any = min(spans, key=_size, default=[range(low, high)])
        found = sorted(set(chained.from_iterable(fewest)))
        return tuple(self._logs[i] for i in found if self._matches(i, wanted, len(topics or ())))

    def _matches(self, index: int, wanted: list[frozenset[_Key]], topic_count: int) -> bool:
        keys = self._keys[index]
        return len(keys) > topic_count and all(keys & alternatives for alternatives in wanted)

    def _number(self, block: int | str | None) -> int:
        if block in _LATEST:
            return len(self._hashes) - 1
        return (
            0 if block == "earliest" else int(str(block), 16) if isinstance(block, str) else int(block or 0)
        )

    def _read_new_blocks(self) -> None:
        head = self._chain.get_block().number - 1
        known = len(self._hashes) - 1
        if known >= 0 and (known > head or self._hash_of(known) != self._hashes[known]):
            self._clear()
        for number in range(len(self._hashes), head + 1):
            self._read_block(number)

    def _read_block(self, number: int) -> None:
        header = self._chain.get_canonical_block_header_by_number(number)
        if header.transaction_root != self._no_transactions:
            for sent in self._chain.get_canonical_block_by_number(number).transactions:
                for log in self._tester.get_transaction_receipt(f"0x{sent.hash.hex()}")["logs"]:
                    self._keep(number, log)
        self._hashes.append(header.hash)

    def _keep(self, number: int, log: Any) -> None:
        topics = (str(topic).lower() for topic in log["topics"])
        keys = frozenset({(0, str(log["address"]).lower()), *zip(_TOPIC_KEYS, topics, strict=False)})
        for key in keys:
            self._places[key].append(len(self._logs))
        self._logs.append(log)
        self._blocks.append(number)
        self._keys.append(keys)

    def _clear(self) -> None:
        self._hashes: list[bytes] = []
        """Of every block that was read."""
        self._logs: list[Any] = []
        self._blocks: list[int] = []
        self._keys: list[frozenset[_Key]] = []
        """For each log: the log, its block's number, what it can be asked by."""
        self._places: defaultdict[_Key, list[int]] = defaultdict(list)

    # --- fees -----------------------------------------------------------------------------------------------

    def fee_history(
        self,
        block_count: int | str = 1,
        newest_block: int | str = "latest",
        percentiles: Iterable[float] = (),
    ) -> dict[str, Any]:
        """What eth_feeHistory answers: oldest first, and the base fee of the block that comes next."""
        self._read_new_blocks()
        newest = min(self._number(newest_block), len(self._hashes) - 1)
        wanted = int(block_count, 16) if isinstance(block_count, str) else int(block_count)
        oldest = max(0, newest + 1 - min(max(wanted, 1), FEE_HISTORY_LIMIT_BLOCKS))
        header: Callable[[int], Any] = self._chain.get_canonical_block_header_by_number
        headers = [header(number) for number in range(oldest, newest + 1)]
        after = self._chain.get_block().header if newest + 1 == len(self._hashes) else header(newest + 1)
        tips = [hex(10**9) for _ in percentiles]
        return {
            "oldest_block": hex(oldest),
            "base_fee_per_gas": [hex(each.base_fee_per_gas) for each in (*headers, after)],
            "gas_used_ratio": [each.gas_used / each.gas_limit for each in headers],
            **({"reward": [tips for _ in headers]} if tips else {}),
        }

    @property
    def _chain(self) -> Any:
        return self._tester.backend.chain

    def _hash_of(self, number: int) -> bytes:
        return self._chain.chaindb.get_canonical_block_hash(number)


def _wanted(address: Any, topics: Any) -> Iterator[frozenset[_Key]]:
    """What a log must have one of: an address, and a topic for each position that the filter names."""
    for place, names in enumerate((address, *(topics or ()))):
        if names is not None and len(names):
            alternatives = (names,) if isinstance(names, str) else names
            yield frozenset((place, str(name).lower()) for name in alternatives)


def _size(places: list[list[int]]) -> int:
    return sum(map(len, places))


def _within(places: list[int], low: int, high: int) -> list[int]:
    return places[bisect_left(places, low) : bisect_left(places, high)]
