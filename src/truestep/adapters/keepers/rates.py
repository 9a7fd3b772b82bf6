"""How much each client may ask of a keeper: a bucket of tokens that refills at a fixed rate."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

CLIENTS_LIMIT = 10_000
"""Clients that are remembered, a few megabytes. One that is forgotten begins with a full bucket."""
BURST_SECONDS = 2.0
"""What a bucket holds: a client may be idle for so long and then ask for all of it at once."""
IPV6_CLIENT_BITS = 64
"""An address of IPv6 costs nothing: a whole network counts as one client (RFC 6177)."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_seconds: float


class Rates:
    """Counts per client. For one thread."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        """`per_second` tokens for each client, of whatever is counted."""
        self._per_second = per_second
        self._full = per_second * BURST_SECONDS
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_seconds(self, client: str) -> float:
        """How long this client must wait; 0 if it may ask now."""
        bucket = self._bucket(client)
        return max(0.0, (1.0 - bucket.tokens) / self._per_second)

    def take(self, client: str, tokens: float) -> None:
        """Count what was given. It may be more than there is: then the client waits for longer."""
        self._bucket(client).tokens -= tokens

    def _bucket(self, client: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._full, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > CLIENTS_LIMIT:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._full, bucket.tokens + (now - bucket.at_seconds) * self._per_second)
        bucket.at_seconds = now
        return bucket


def client_of(host: str) -> str:
    """Who counts as one client."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> IPV6_CLIENT_BITS << IPV6_CLIENT_BITS))
    return host
