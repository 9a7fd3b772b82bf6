"""A consensus node that is down is noticed before it is needed."""

from __future__ import annotations

import threading

import pytest

from tests.adapters.chain.test_beacon import node
from tests.e2e.network import Log
from truestep.adapters.chain import beacon_watch
from truestep.adapters.chain.beacon_watch import VERSION_PATH, BeaconWatch, watched_beacons
from truestep.composition.network import DEVNET_CHAINS, watched_consensus
from truestep.ports.blobs import never

DEAD = "http://127.0.0.1:9/secret"
RIGHT = b'{"data": {"version": "teku/v25.1.0"}}'


class Heard(Log):
    """Sets an event at the first report."""

    def __init__(self) -> None:
        super().__init__()
        self.has_heard = threading.Event()

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        super().report(kind, message, **fields)
        self.has_heard.set()


def test_a_dead_node_is_reported_at_the_start_with_what_that_costs() -> None:
    log = Heard()
    with watched_beacons([DEAD], log):
        assert log.has_heard.wait(20)
    [(kind, message)] = log.lines
    assert kind == "beacon_unavailable" and "http://127.0.0.1:9 (--beacon)" in message
    assert "blobs of transactions cannot be read" in message and "secret" not in message
    assert "beacons" not in [thread.name for thread in threading.enumerate()]


def test_others_are_asked_in_its_place_and_a_node_that_is_back_is_told() -> None:
    log = Log()
    with node(RIGHT) as (url, asked):
        watch = BeaconWatch([url, DEAD], log)
        watch.look(never)
        assert asked == [VERSION_PATH]
        assert [kind for kind, _ in log.lines] == ["beacon_unavailable"]
        assert "Others are asked" in log.lines[0][1]
        watch.look(never)
        assert len(log.lines) == 1, "what has not changed is not said again"
    other = Log()
    BeaconWatch([DEAD], other, has_others=True).look(never)
    assert "Others are asked" in other.lines[0][1]
    watch.look(never)
    assert log.kinds()[1:] == ["beacon_unavailable"] and "cannot be read" in log.lines[1][1]


@pytest.mark.parametrize(
    ("body", "status"), [(b"<html>hello</html>", 200), (b'{"data": []}', 200), (b"", 404), (b"", 503)]
)
def test_a_server_that_is_no_consensus_node_is_reported_until_it_is_one(
    body: bytes, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    with node(body, status) as (url, _):
        watch = BeaconWatch([url], log)
        watch.look(never)
        monkeypatch.setattr(beacon_watch, "trouble_of", lambda *_: "")
        watch.look(never)
    assert log.kinds() == ["beacon_unavailable", "beacon_answers"]


def test_the_node_of_a_devnet_is_not_asked_twice() -> None:
    log = Heard()
    with watched_consensus(DEVNET_CHAINS[0], [DEAD], [DEAD], log):
        assert not log.has_heard.wait(0.05)
    with watched_consensus(1, [DEAD], [DEAD], log):
        assert log.has_heard.wait(20)
