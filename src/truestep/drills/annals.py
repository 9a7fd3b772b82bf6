"""All that has happened to items and keepers, by the block in which it did."""

import threading
from typing import TypeVar, cast

from web3 import Web3

from truestep.adapters.chain.availability import AvailabilityContracts, AvailabilityEvents
from truestep.adapters.chain.logs import LogReader
from truestep.protocol.availability.facts import Event, Facts, fold

Kind = TypeVar("Kind")


class Annals:
    """For any thread. The chain of a drill has no reorganisations."""

    def __init__(self, web3: Web3, contracts: AvailabilityContracts) -> None:
        self._web3 = web3
        self._reader = LogReader(web3, AvailabilityEvents(contracts))
        self._next = contracts.block_number
        self._events: list[tuple[int, Event]] = []
        self._lock = threading.Lock()

    def facts(self, newest: int | None = None) -> Facts:
        """What they add up to now, or as of a block."""
        return fold(Facts(), (event for number, event in self._read() if newest is None or number <= newest))

    def of(self, kind: type[Kind]) -> list[Kind]:
        """All events of a kind, in the chain's order."""
        return [event for _, event in self._read() if isinstance(event, kind)]

    def _read(self) -> list[tuple[int, Event]]:
        with self._lock:
            newest = self._web3.eth.block_number
            if newest >= self._next:
                logs = self._reader.read(self._next, newest).logs
                self._events += [(log.at.block_number, cast(Event, log.event)) for log in logs]
                self._next = newest + 1
            return list(self._events)
