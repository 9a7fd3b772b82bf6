"""Health, readiness and metrics as somebody outside reads them, over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

import truestep
from tests.e2e.network import COIN_WEI, Log
from truestep.adapters.telemetry import metrics, state
from truestep.adapters.web_server import CONNECTIONS_LIMIT, CannotListen
from truestep.base.ids import Address, Bytes32
from truestep.composition.telemetry import Telemetry, opened_telemetry
from truestep.ports.chain import Head
from truestep.ports.vitals import Clock, ClockKind, Exposure, Load, Stake, Totals, Vitals

ACCOUNT = Address("0x" + "1" * 40)
TOKEN = Address("0x" + "2" * 40)
NOW = 1_800_000_000
HEAD = Head(number=77, hash=Bytes32(bytes(32)), time_seconds=NOW - 3)
VITALS = Vitals(
    head=HEAD,
    now=NOW,
    account=ACCOUNT,
    is_past_known=True,
    wallet_wei=COIN_WEI // 2,
    stake=Stake(free_wei=2 * COIN_WEI, locked_wei=3 * COIN_WEI, capped_wei=COIN_WEI),
    owed_wei={"Jobs": COIN_WEI // 4},
    clocks=(
        Clock(kind=ClockKind.GAME, subject="game 2 on job 3 shard 0", until=NOW + 100, whole_seconds=400),
        Clock(kind=ClockKind.LEASE, subject="batch 9, 2 tasks", until=NOW + 300, whole_seconds=600),
    ),
    open_games=3,
    exposure=Exposure(
        claims=5, disputed=1, bonds_wei=5 * COIN_WEI, first_until=NOW + 50, last_until=NOW + 900
    ),
    taken_tasks=2,
    taken_bonds_wei=2 * COIN_WEI,
    load=Load(running={"run": 1, "move": 2}, waiting=4, fetching=1),
    pending=2,
    pending_seconds=12.5,
    totals=Totals(
        finished_tasks=6,
        earned_wei=3 * COIN_WEI,
        earned_tokens={TOKEN: 250},
        games_won=1,
        games_lost=2,
        claims_lost=1,
    ),
)

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def telemetry(log: Log) -> Iterator[Telemetry]:
    with opened_telemetry(("127.0.0.1", 0), "worker", ACCOUNT, log) as opened:
        yield opened


def get(telemetry: Telemetry, path: str) -> httpx.Response:
    return httpx.get(telemetry.url + path)


def scraped(telemetry: Telemetry) -> Values:
    """Every sample, by its name and labels, as Prometheus' own parser reads them."""
    families = text_string_to_metric_families(get(telemetry, "/metrics").text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(values: Values, name: str, **labels: str) -> float:
    return values[name, tuple(sorted(labels.items()))]


def test_a_daemon_that_has_just_started_is_alive_and_not_ready(telemetry: Telemetry) -> None:
    assert (get(telemetry, "/health").status_code, get(telemetry, "/health").json()) == (
        200,
        {"alive": True, "reason": ""},
    )
    ready = get(telemetry, "/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "just started" in ready.json()["reason"]


def test_it_is_ready_once_the_past_is_known_and_the_chain_is_read(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.monitor.show(replace(VITALS, is_past_known=False))
    telemetry.monitor.turn_ended(0.1, "")
    assert "up to block 77" in get(telemetry, "/ready").json()["reason"]
    telemetry.monitor.show(VITALS)
    assert (get(telemetry, "/ready").status_code, get(telemetry, "/ready").json()["reason"]) == (200, "")
    telemetry.monitor.turn_ended(0.1, "the node is gone")
    assert get(telemetry, "/ready").status_code == 200, "one look that fails is no outage"
    monkeypatch.setattr(state, "READY_SECONDS", -1.0)
    reason = get(telemetry, "/ready").json()["reason"]
    assert "the node is gone" in reason
    assert get(telemetry, "/health").status_code == 200, "an outage is no reason to start it again"


def test_a_loop_that_hangs_is_not_alive(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.monitor.turn_ended(0.1, "")
    monkeypatch.setattr(state, "ALIVE_SECONDS", -1.0)
    health = get(telemetry, "/health")
    assert (health.status_code, health.json()["alive"]) == (503, False)
    assert "start it again" in health.json()["reason"]
    assert get(telemetry, "/ready").status_code == 503


def test_metrics_say_what_was_shown(telemetry: Telemetry) -> None:
    telemetry.monitor.show(VITALS)
    telemetry.monitor.turn_ended(0.25, "")
    telemetry.monitor.turn_ended(0.5, "the node is gone")
    values = scraped(telemetry)
    version = truestep.__version__
    assert value(values, "truestep_daemon_info", role="worker", account=ACCOUNT, version=version) == 1
    assert value(values, "truestep_head_time_seconds") == NOW - 3
    assert value(values, "truestep_turns_total") == 2
    assert value(values, "truestep_turns_failed_total") == 1
    assert value(values, "truestep_turn_seconds_total") == 0.75
    assert value(values, "truestep_wallet_ether") == 0.5
    assert value(values, "truestep_stake_ether", state="locked") == 3
    assert value(values, "truestep_owed_ether", contract="Jobs") == 0.25
    assert value(values, "truestep_claims", state="undisputed") == 4
    assert value(values, "truestep_claims", state="disputed") == 1
    assert value(values, "truestep_claims_bonds_ether") == 5
    assert 890 < value(values, "truestep_claims_left_seconds") <= 900
    assert value(values, "truestep_work_running", kind="move") == 2
    assert value(values, "truestep_transactions_pending_seconds") == 12.5
    assert value(values, "truestep_earned_ether_total") == 3
    assert value(values, "truestep_earned_token_units_total", token=TOKEN) == 250
    assert value(values, "truestep_games_ended_total", outcome="lost") == 2
    assert value(values, "truestep_claims_lost_total") == 1


def test_clocks_go_on_between_looks(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no node answers, nothing is shown, and time to move runs out all the same."""
    seconds = 1_000.0  # of the state alone: the server keeps its own clock
    monkeypatch.setattr(state, "monotonic", lambda: seconds)
    telemetry.monitor.show(VITALS)
    monkeypatch.setattr(state, "monotonic", lambda: seconds + 120)
    values, game = scraped(telemetry), {"kind": "game", "subject": "game 2 on job 3 shard 0"}
    assert value(values, "truestep_clock_left_seconds", **game) == -20
    assert value(values, "truestep_clock_left_ratio", **game) == -0.05
    assert (
        value(values, "truestep_clocks", kind="game") == value(values, "truestep_clocks", kind="lease") == 1
    )


def test_a_flood_of_games_does_not_flood_prometheus(telemetry: Telemetry) -> None:
    clocks = tuple(
        Clock(kind=ClockKind.GAME, subject=f"game {number}", until=NOW + number, whole_seconds=400)
        for number in range(1_000)
    )
    telemetry.monitor.show(replace(VITALS, clocks=clocks))
    values = scraped(telemetry)
    assert value(values, "truestep_clocks", kind="game") == 1_000
    shown = [labels for name, labels in values if name == "truestep_clock_left_seconds"]
    assert len(shown) == metrics.CLOCKS_SHOWN
    assert (("kind", "game"), ("subject", "game 0")) in shown


def test_reports_are_counted_and_passed_on(telemetry: Telemetry, log: Log) -> None:
    fee: dict[str, Any] = {"fee_wei": COIN_WEI // 100, "gas_used": 50_000}
    telemetry.reporter.report("claim_landed", "claimed", intent="claim/1", **fee)
    telemetry.reporter.report("claim_reverted", "not claimed", intent="claim/2", **fee)
    telemetry.reporter.report("ran", "job 1 shard 0: ran", cycles=1_000, seconds=0.5)
    telemetry.reporter.report("unavailable", "the node is gone")
    values = scraped(telemetry)
    assert value(values, "truestep_reports_total", kind="unavailable") == 1
    assert value(values, "truestep_transactions_total", outcome="landed") == 1
    assert value(values, "truestep_transactions_total", outcome="reverted") == 1
    assert value(values, "truestep_transactions_total", outcome="refused") == 0
    assert value(values, "truestep_gas_fees_ether_total") == pytest.approx(0.02)
    assert value(values, "truestep_run_cycles_total") == 1_000
    assert log.kinds() == ["claim_landed", "claim_reverted", "ran", "unavailable"]


def test_nothing_else_is_served(telemetry: Telemetry) -> None:
    assert httpx.get(f"{telemetry.url}/").status_code == 404
    assert httpx.post(f"{telemetry.url}/metrics").status_code == 405
    assert get(telemetry, "/metrics").headers["cache-control"] == "no-store"


def test_an_address_in_use_is_said(telemetry: Telemetry, log: Log) -> None:
    port = int(telemetry.url.rpartition(":")[2])
    with (
        pytest.raises(CannotListen, match="Address already in use"),
        opened_telemetry(("127.0.0.1", port), "worker", ACCOUNT, log),
    ):
        pass


def test_who_hangs_on_to_connections_does_not_keep_probes_out(telemetry: Telemetry) -> None:
    port = int(telemetry.url.rpartition(":")[2])
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_LIMIT + 20):
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port))))
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as probe:
            assert probe.get(f"{telemetry.url}/health", timeout=10).status_code == 200
