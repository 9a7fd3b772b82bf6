"""A daemon's state as metrics for Prometheus, made when they are asked for. docs/operating.md lists them."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from truestep.adapters.telemetry.counting import ETHER_WEI
from truestep.adapters.telemetry.state import DaemonState, Turns
from truestep.ports.vitals import ClockKind, Exposure, Stake, Totals, Vitals

CLOCKS_SHOWN = 20
"""Clocks with a line of their own, the first to run out: each is a time series for Prometheus."""


class StateCollector(Collector):
    """Makes the metrics of a state."""

    def __init__(self, state: DaemonState, labels: Mapping[str, str]) -> None:
        self._state = state
        self._labels = labels

    def collect(self) -> Iterable[Metric]:
        """All metrics. Until the daemon has seen a block, only those of its loop."""
        info = GaugeMetricFamily("truestep_daemon_info", "Which daemon this is.", labels=list(self._labels))
        info.add_metric(list(self._labels.values()), 1)
        yield info
        yield from _turns(self._state.turns)
        age = self._state.look_age_seconds()
        if age is not None:
            yield _gauge("truestep_look_age_seconds", "Time since the chain was read without trouble.", age)
        vitals, now = self._state.vitals, self._state.chain_time()
        if vitals is not None and now is not None:
            yield from _vitals(vitals, now)


def _turns(turns: Turns) -> Iterator[Metric]:
    yield _counter("truestep_turns", "Looks at the chain, each with a decision.", turns.count)
    yield _counter("truestep_turns_failed", "Those of them in which something outside failed.", turns.failed)
    yield _counter("truestep_turn_seconds", "The time of all turns together.", turns.seconds)


def _vitals(vitals: Vitals, now: float) -> Iterator[Metric]:
    yield _gauge("truestep_head_block", "The newest block that was seen.", vitals.head.number)
    yield _gauge("truestep_head_time_seconds", "Its time, since the epoch.", vitals.head.time_seconds)
    yield _gauge("truestep_past_known", "1 if all of the chain's past was read.", vitals.is_past_known)
    yield from _clocks(vitals, now)
    if vitals.wallet_wei is not None:
        yield _gauge("truestep_wallet_ether", "Coins for gas and bonds.", vitals.wallet_wei / ETHER_WEI)
    if vitals.stake is not None:
        yield _stake(vitals.stake)
    owed = {name: amount / ETHER_WEI for name, amount in vitals.owed_wei.items()}
    yield _labelled("truestep_owed_ether", "What contracts owe the account, to withdraw.", "contract", owed)
    yield from _exposure(vitals.exposure, now)
    yield _gauge("truestep_taken_tasks", "Tasks that are taken and not claimed.", vitals.taken_tasks)
    yield _gauge("truestep_taken_bonds_ether", "The bonds of these.", vitals.taken_bonds_wei / ETHER_WEI)
    yield _gauge("truestep_open_games", "Own disputes, whoever is to move.", vitals.open_games)
    yield _labelled("truestep_work_running", "Background work, by kind.", "kind", vitals.load.running)
    yield _gauge("truestep_work_waiting", "Work that waits for a core.", vitals.load.waiting)
    yield _gauge("truestep_fetches", "Programs and inputs that are being fetched.", vitals.load.fetching)
    yield _gauge("truestep_transactions_pending", "Transactions without an outcome.", vitals.pending)
    oldest = "How long the oldest of these is under way."
    yield _gauge("truestep_transactions_pending_seconds", oldest, vitals.pending_seconds)
    yield from _totals(vitals.totals)


def _clocks(vitals: Vitals, now: float) -> Iterator[Metric]:
    counts = {kind.value: 0 for kind in ClockKind}
    for clock in vitals.clocks:
        counts[clock.kind.value] += 1
    yield _labelled("truestep_clocks", "Clocks that run against this daemon.", "kind", counts)
    labels, means = ["kind", "subject"], "Time to move before coins are lost; below 0 it is late."
    left = GaugeMetricFamily("truestep_clock_left_seconds", means, labels=labels)
    means = "The same as a share of a full clock."
    share = GaugeMetricFamily("truestep_clock_left_ratio", means, labels=labels)
    for clock in vitals.clocks[:CLOCKS_SHOWN]:
        seconds = clock.until - now
        left.add_metric([clock.kind.value, clock.subject], seconds)
        share.add_metric([clock.kind.value, clock.subject], seconds / max(clock.whole_seconds, 1))
    yield from (left, share)


def _stake(stake: Stake) -> Metric:
    parts = {"free": stake.free_wei, "locked": stake.locked_wei, "capped": stake.capped_wei}
    in_ether = {state: amount / ETHER_WEI for state, amount in parts.items()}
    return _labelled("truestep_stake_ether", "The operator's stake.", "state", in_ether)


def _exposure(exposure: Exposure, now: float) -> Iterator[Metric]:
    claims = {"undisputed": exposure.claims - exposure.disputed, "disputed": exposure.disputed}
    yield _labelled("truestep_claims", "Own claims that are not final.", "state", claims)
    yield _gauge("truestep_claims_bonds_ether", "The bonds of these.", exposure.bonds_wei / ETHER_WEI)
    left = max(exposure.last_until - now, 0.0) if exposure.claims else 0.0
    yield _gauge("truestep_claims_left_seconds", "Time until the last of these can be final.", left)


def _totals(totals: Totals) -> Iterator[Metric]:
    yield _counter("truestep_tasks_finished", "Own claims that became final.", totals.finished_tasks)
    earned = totals.earned_wei / ETHER_WEI
    yield _counter("truestep_earned_ether", "The rewards of these in coins, before gas.", earned)
    tokens = CounterMetricFamily("truestep_earned_token_units", "The same in tokens.", labels=["token"])
    for token, units in totals.earned_tokens.items():
        tokens.add_metric([token], units)
    yield tokens
    games = CounterMetricFamily("truestep_games_ended", "Own disputes that have ended.", labels=["outcome"])
    games.add_metric(["won"], totals.games_won)
    games.add_metric(["lost"], totals.games_lost)
    yield games
    yield _counter("truestep_claims_lost", "Own claims that lost their bond.", totals.claims_lost)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def _counter(name: str, documentation: str, value: float) -> Metric:
    return CounterMetricFamily(name, documentation, value=value)


def _labelled(name: str, documentation: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
