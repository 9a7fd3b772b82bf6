"""Finds logs that a node leaves out, by the bloom filter of all logs in a block's header.

1. The known logs explain the bloom: nothing is missing.
2. The bloom has a contract and an event of ours that no known log has: something is probably missing.
3. The bloom has more than our known logs explain: these may be all of ours, or not.
4. In cases 2 and 3 the block's receipts are read. If they give exactly the bloom, they decide.
5. If no node gives complete receipts, case 2 makes the range unavailable a few times, then it is reported.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from truestep.adapters.chain.answers import Header, Junk, RawLog, fields, items, raw_log
from truestep.adapters.chain.bloom import bloom_of, fill, holds, mask
from truestep.adapters.chain.endpoints import UNANSWERED, Endpoints, Question
from truestep.adapters.chain.health import Health
from truestep.adapters.chain.outages import NodeError, TooMuch
from truestep.base.errors import Unavailable

FALSE_ALARM_LIMIT = 1e-4
"""Probability for a block without our events. With a block every 12 s, at most one false alarm per day."""
REFUSALS_LIMIT = 3
"""How many times a range is unavailable because a log seems to be missing; a bloom can also be wrong."""
REMEMBERED_BLOCKS = 1_024
"""Blocks remembered by hash; each block is read only a few times."""
WITNESSES_LIMIT = 3
"""Endpoints that are asked for a block's receipts."""

Logs = dict[tuple[int, int], RawLog]


class EventSource(Protocol):
    """The contracts whose logs are read, and what their logs mean."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """The names of the contracts by their addresses, in lower case."""
        ...

    def topics(self, contract: str) -> tuple[bytes, ...]:
        """The first topics of a contract's events that are needed."""
        ...

    def event(self, log: RawLog) -> Any:
        """The event; None for one that is not needed. Raises for a log that the contract does not emit."""
        ...


class LeftOut:
    """Completes the logs of blocks; safe for several threads."""

    def __init__(self, endpoints: Endpoints, source: EventSource) -> None:
        self._endpoints = endpoints
        self._source = source
        self._addresses = source.addresses
        self._lock = threading.Lock()
        self._whole: dict[bytes, Logs] = {}
        """By hash, the blocks whose logs are known to be complete; those that had to be found, as well."""
        self._refusals: dict[bytes, int] = {}
        self._without_receipts: set[Health] = set()

    def completed(self, header: Header, logs: Logs, where: Collection[str]) -> Logs:
        """`logs` and those that were left out. Raises `Unavailable` while some seem to be missing.

        `where` names the endpoints that gave them.
        """
        bloom = header.logs_bloom
        if bloom == 0:
            return logs
        with self._lock:
            known = self._whole.get(header.hash)
        if known is not None:
            return logs | known
        own = [log for log in logs.values() if log.block_number == header.number]
        if _explained(own) == bloom:
            self._remember(header, {})
            return logs
        is_missing = self._seems_missing(bloom, own)
        if not own and not is_missing:
            return logs
        found = self._from_receipts(header)
        if found is not None:
            self._remember(header, found)
            if not found.keys() <= logs.keys():
                self._endpoints.board.warn(
                    "rpc_log_missing",
                    where,
                    f"left out events of block {header.number}; they were taken from the receipts of the"
                    " block. If this goes on, use another endpoint with --rpc",
                    block_number=header.number,
                )
            return logs | found
        if is_missing:
            self._refuse(header)
        return logs

    def _seems_missing(self, bloom: int, own: Collection[RawLog]) -> bool:
        """Whether the bloom has an event of ours that is not a known log and is unlikely to be chance."""
        known = {(log.address, log.topics[0]) for log in own if log.topics}
        addresses = {log.address for log in own}
        for address, name in self._addresses.items():
            if not holds(bloom, mask(bytes.fromhex(address[2:]))):
                continue
            topics = self._source.topics(name)
            # An address that is there anyway proves nothing; then three bits set by chance can deceive.
            bits_by_chance = 3 if address in addresses else 6
            if fill(bloom) ** bits_by_chance * len(topics) > FALSE_ALARM_LIMIT:
                continue
            if any(holds(bloom, mask(topic)) and (address, topic) not in known for topic in topics):
                return True
        return False

    def _from_receipts(self, header: Header) -> Logs | None:
        """Our logs of the block, proved complete by its bloom; None if no endpoint gives them."""
        question = Question(
            method="eth_getBlockReceipts", parameters=[hex(header.number)], parse=_parser(header)
        )
        for one in self._endpoints.board.healthy()[:WITNESSES_LIMIT]:
            if one in self._without_receipts:
                continue
            try:
                view = self._endpoints.opinion([question], one)
            except TooMuch:
                continue
            answer = view.answers[0] if view else UNANSWERED
            if isinstance(answer, NodeError):
                self._without_receipts.add(one)
            elif isinstance(answer, _Receipts) and _explained(answer.logs) == header.logs_bloom:
                ours = [log for log in answer.logs if log.address in self._addresses]
                return {(log.block_number, log.log_index): log for log in ours}
        return None

    def _refuse(self, header: Header) -> None:
        with self._lock:
            count = self._refusals[header.hash] = self._refusals.pop(header.hash, 0) + 1
            _drop_oldest(self._refusals)
        if count <= REFUSALS_LIMIT:
            raise Unavailable(
                f"the node leaves out events of block {header.number} that its header's bloom has;"
                " asking for them again; another node with --rpc may have them"
            )
        if count == REFUSALS_LIMIT + 1:
            self._endpoints.board.report(
                "rpc_log_missing",
                f"block {header.number} seems to have an event of the contracts that no node returns;"
                " a game may go on unseen: add another node with --rpc",
                block_number=header.number,
            )

    def _remember(self, header: Header, found: Logs) -> None:
        with self._lock:
            self._whole[header.hash] = found
            _drop_oldest(self._whole)


@dataclass(frozen=True, slots=True)
class _Receipts:
    """All logs of a block."""

    logs: tuple[RawLog, ...]


def _parser(header: Header) -> Callable[[Any], _Receipts]:
    def parse(result: Any) -> _Receipts:
        logs = [raw_log(log) for receipt in items(result) for log in items(fields(receipt).get("logs"))]
        for log in logs:
            if log.block_hash != header.hash:
                raise Junk(f"expected receipts of block {header.number}, got those of another")
        return _Receipts(tuple(logs))

    return parse


def _explained(logs: Collection[RawLog]) -> int:
    bits = 0
    for log in logs:
        bits |= bloom_of(log)
    return bits


def _drop_oldest(kept: dict[bytes, Any]) -> None:
    while len(kept) > REMEMBERED_BLOCKS:
        del kept[next(iter(kept))]
