"""Counts what a daemon reports, and passes it on."""

from prometheus_client import CollectorRegistry, Counter

from truestep.ports.reporter import Reporter

OUTCOMES = ("landed", "reverted", "refused")
"""Of transactions: kinds of reports end so."""
ETHER_WEI = 10**18


class CountingReporter:
    """Satisfies `truestep.ports.reporter.Reporter`, in any thread."""

    def __init__(self, reporter: Reporter, registry: CollectorRegistry) -> None:
        self._reporter = reporter
        self._reports = Counter(
            "truestep_reports",
            "Lines of the log, by kind; docs/operating.md has them.",
            ["kind"],
            registry=registry,
        )
        self._sent = Counter(
            "truestep_transactions",
            "Transactions by outcome; refused ones were not sent and cost nothing.",
            ["outcome"],
            registry=registry,
        )
        self._fees = Counter("truestep_gas_fees_ether", "What gas has cost.", registry=registry)
        self._gas = Counter("truestep_gas", "Units of gas that were used.", registry=registry)
        self._runs = Counter("truestep_runs", "Programs that were run to their end.", registry=registry)
        self._cycles = Counter("truestep_run_cycles", "Instructions of these runs.", registry=registry)
        self._seconds = Counter("truestep_run_seconds", "Time of these runs.", registry=registry)
        for outcome in OUTCOMES:
            self._sent.labels(outcome)

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """Count it and pass it on."""
        self._reports.labels(kind).inc()
        outcome = kind.rpartition("_")[2]
        if "intent" in fields and outcome in OUTCOMES:
            self._sent.labels(outcome).inc()
            self._fees.inc(_number(fields.get("fee_wei")) / ETHER_WEI)
            self._gas.inc(_number(fields.get("gas_used")))
        elif kind == "ran":
            self._runs.inc()
            self._cycles.inc(_number(fields.get("cycles")))
            self._seconds.inc(_number(fields.get("seconds")))
        self._reporter.report(kind, message, **fields)


def _number(value: float | str | None) -> float:
    return max(value, 0.0) if isinstance(value, int | float) else 0.0
