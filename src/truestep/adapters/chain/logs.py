"""Reads the logs of ranges of blocks: from two endpoints if there are two, checked against block headers."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from web3 import Web3

from truestep.adapters.chain.answers import Header, RawLog, header_at, logs_within
from truestep.adapters.chain.bloom import bloom_of, holds
from truestep.adapters.chain.connection import endpoints_of, refused
from truestep.adapters.chain.endpoints import UNANSWERED, Question, View
from truestep.adapters.chain.health import Health
from truestep.adapters.chain.left_out import EventSource, LeftOut
from truestep.adapters.chain.outages import NodeError, TooMuch
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.protocol.events import LogPosition
from truestep.protocol.settlement.facts.fold import TIMED
from truestep.protocol.settlement.facts.records import Event, Logged

CHECKED_RANGE_BLOCKS = 32
"""Ranges up to this size are read with all headers. Older blocks were checked when they were new."""
BRANCH_TRIES = 3
"""In a reorganisation, two nodes agree again after a second or two."""
BRANCH_PAUSE_SECONDS = 0.3
DIFFERENT_LIMIT = 200
"""Blocks in which two endpoints have different logs. If there are more, the range is halved."""

Logs = dict[tuple[int, int], RawLog]
"""Logs by block and index, the chain's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a range of blocks holds. All of it is of one branch of the chain."""

    first: int
    last: int
    logs: tuple[Logged, ...]
    hashes: Mapping[int, Bytes32]
    """The hashes of the blocks whose headers were read along, always those of the first and the last."""
    parent_hash: Bytes32
    """Of the block before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """What one endpoint says about some blocks."""

    where: Health
    logs: Logs
    headers: dict[int, Header]
    last: Header


class LogReader:
    """Reads and decodes logs; safe for several threads."""

    def __init__(self, web3: Web3, source: EventSource) -> None:
        self._endpoints = endpoints_of(web3)
        self._addresses = [Web3.to_checksum_address(address) for address in source.addresses]
        self._decoder = source
        self._left_out = LeftOut(self._endpoints, source)

    def read(self, first: int, last: int, also: Collection[int] = ()) -> Reading:
        """The logs of these blocks, both included, in the chain's order. Raises `Unavailable`.

        The headers of blocks in `also` are read along, if they are in the range.
        """
        try:
            logs, headers = self._logs(first, last, also)
        except TooMuch as error:
            if first == last:
                raise Unavailable(
                    f"the node refuses the events of block {first}: {error}; try another node"
                ) from None
            middle = (first + last) // 2
            return _joined(self.read(first, middle, also), self.read(middle + 1, last, also))
        events = {at: event for at, log in logs.items() if (event := self._decoder.event(log)) is not None}
        times = self._times({at[0] for at, event in events.items() if type(event) in TIMED}, headers, logs)
        return Reading(
            first=first,
            last=last,
            logs=tuple(_logged(logs[at], events[at], times) for at in sorted(events)),
            hashes={number: header.hash for number, header in headers.items()},
            parent_hash=headers[first].parent_hash,
        )

    def _logs(self, first: int, last: int, also: Collection[int]) -> tuple[Logs, dict[int, Header]]:
        """The logs, and the headers that were read along."""
        ranges = self._agreeing(first, last, also)
        logs = ranges[0].logs if len(ranges) == 1 else self._united(*ranges)
        where = [found.where.name for found in ranges]
        for header in ranges[0].headers.values():
            logs = self._left_out.completed(header, logs, where)
        return logs, ranges[0].headers

    def _times(self, numbers: set[int], headers: Mapping[int, Header], logs: Logs) -> dict[int, int]:
        """The times of some blocks; those of headers that were not read along are asked for."""
        unknown = sorted(numbers - headers.keys())
        answers = self._endpoints.ask_all([header_question(number) for number in unknown])
        found = {header.number: header for header in map(value_of, answers)} | dict(headers)
        if not all(_fits(log, found.get(log.block_number)) for log in logs.values()):
            raise Unavailable("the chain changed while its events were read; reading them again")
        return {number: header.time_seconds for number, header in found.items()}

    def _agreeing(self, first: int, last: int, also: Collection[int]) -> list[_Range]:
        """What one endpoint says, or two that are on one branch of the chain."""
        questions = self._questions(first, last, also)
        for tries_left in reversed(range(BRANCH_TRIES)):
            views = self._endpoints.views(questions)
            ranges = [found for view in views if (found := _range(view))]
            if len({found.last.hash for found in ranges}) == 1:
                return ranges
            if ranges and not tries_left:
                return [self._on_the_better_branch(ranges)]
            time.sleep(BRANCH_PAUSE_SECONDS)
        raise Unavailable(
            f"blocks {first} to {last} changed while their events were read; reading them again"
        )

    def _questions(self, first: int, last: int, also: Collection[int]) -> list[Question]:
        request = {"address": self._addresses, "fromBlock": hex(first), "toBlock": hex(last)}
        logs_of = logs_within(first, last, {address.lower() for address in self._addresses}, ())

        def parse(result: object) -> Logs:
            found = logs_of(result)
            for log in found:
                self._decoder.event(log)  # what is no event of ours is no answer
            return {(log.block_number, log.log_index): log for log in found}

        is_checked = last - first < CHECKED_RANGE_BLOCKS
        some = sorted({first, last, *(number for number in also if first < number < last)})
        numbers = range(first, last + 1) if is_checked else some
        return [
            Question(method="eth_getLogs", parameters=[request], parse=parse),
            *(header_question(number) for number in numbers),
        ]

    def _united(self, one: _Range, other: _Range) -> Logs:
        """The union of both, as far as it is on the current chain. What one leaves out is reported."""
        different = {
            at: log
            for at in one.logs.keys() | other.logs.keys()
            if (log := one.logs.get(at)) != other.logs.get(at) or log is None
        }
        if not different:
            return one.logs
        headers = self._headers({number for number, _ in different}, one)
        united = {at: log for at, log in one.logs.items() if at not in different}
        for at in different:
            for found in (one, other):
                log = found.logs.get(at)
                if log is not None and at not in united and _fits(log, headers[log.block_number]):
                    united[at] = log
        for found, versus in ((one, other), (other, one)):
            missing = sum(found.logs.get(at) != united.get(at) for at in different)
            if missing:
                self._endpoints.board.report(
                    "rpc_disagreement",
                    f"{found.where.name} gives {missing} logs of blocks {min(different)[0]} to"
                    f" {max(different)[0]} differently from {versus.where.name}; the blocks' headers decided",
                    endpoint=found.where.name,
                )
        return united

    def _headers(self, numbers: set[int], known: _Range) -> dict[int, Header]:
        unknown = sorted(numbers - known.headers.keys())
        if len(unknown) > DIFFERENT_LIMIT:
            raise TooMuch(f"two nodes differ on the logs of {counted(len(unknown), 'block')}")
        answers = self._endpoints.confirm([header_question(number) for number in unknown])
        return {**known.headers, **{header.number: header for header in map(value_of, answers)}}

    def _on_the_better_branch(self, ranges: list[_Range]) -> _Range:
        """Two nodes stay on two branches. The longer one is believed."""
        best = max(ranges, key=lambda found: (_height(found.where), -found.where.rank))
        for found in ranges:
            if found is not best:
                self._endpoints.board.put_aside(
                    found.where, f"its block {found.last.number} differs from that of {best.where.name}"
                )
        return best


def _logged(log: RawLog, event: Event, times: Mapping[int, int]) -> Logged:
    at = LogPosition(
        block_number=log.block_number, log_index=log.log_index, transaction_hash=log.transaction_hash
    )
    # The same however it was read: with the block's header or without.
    return Logged(event=event, at=at, time=times[log.block_number] if type(event) in TIMED else 0)


def _joined(older: Reading, newer: Reading) -> Reading:
    """Two ranges that were read one after the other; the chain may have changed between the two."""
    if older.hashes[older.last] != newer.parent_hash:
        raise Unavailable("the chain changed while its events were read; reading them again")
    return replace(
        newer,
        first=older.first,
        logs=(*older.logs, *newer.logs),
        hashes={**older.hashes, **newer.hashes},
        parent_hash=older.parent_hash,
    )


def header_question(number: int) -> Question:
    """Asks for the header of a block that the chain must have."""
    return Question(method="eth_getBlockByNumber", parameters=[hex(number), False], parse=header_at(number))


def value_of(answer: object) -> Header:
    """A header. Raises `Unavailable` for a node that refuses to give one."""
    if isinstance(answer, Header):
        return answer
    if isinstance(answer, NodeError):
        raise refused(answer)
    raise Unavailable("the node gives no header of a block; try another node")


def _range(view: View) -> _Range | None:
    """An endpoint's answers, if they are consistent. Otherwise the chain changed between two of them."""
    for answer in view.answers:
        if isinstance(answer, NodeError):
            raise refused(answer)
    if any(answer is UNANSWERED for answer in view.answers):
        return None
    logs, headers = view.answers[0], view.answers[1:]
    neighbours = ((one, two) for one, two in pairwise(headers) if two.number == one.number + 1)
    if any(two.parent_hash != one.hash for one, two in neighbours):
        return None
    by_number = {header.number: header for header in headers}
    if not all(_fits(log, by_number.get(log.block_number)) for log in logs.values()):
        return None
    return _Range(where=view.where, logs=logs, headers=by_number, last=headers[-1])


def _fits(log: RawLog, header: Header | None) -> bool:
    """Whether a log can be of the block with this header."""
    if header is None:
        return True
    has_bloom = header.logs_bloom != 0
    return log.block_hash == header.hash and (not has_bloom or holds(header.logs_bloom, bloom_of(log)))


def _height(where: Health) -> int:
    return where.head.number if where.head else 0
