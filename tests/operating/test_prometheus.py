"""Alerts and the dashboard for Grafana, on a real Prometheus that scrapes a real endpoint."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.telemetry.test_telemetry import ACCOUNT, VITALS
from tests.conftest import find_prometheus
from tests.e2e.network import COIN_WEI, Log
from truestep.composition.telemetry import Telemetry, opened_telemetry

FILES = resources.files("truestep.cli") / "operating"
ALERTS = Path(str(FILES / "alerts.yml"))
DASHBOARD = json.loads((FILES / "grafana.json").read_text("utf-8"))
UNIT_TESTS = Path(__file__).parent / "alerts_test.yml"
METRIC = re.compile(r"\b(?:truestep|process)_[a-z_]+")
START_SECONDS = 60
PANELS = {"row", "stat", "table", "timeseries"}


def program(name: str) -> Path:
    found = find_prometheus(name)
    if found is None:
        pytest.skip("Prometheus is not here: `make prometheus` unpacks it where there is apt-get")
    return found


def expressions() -> list[str]:
    """The queries of the dashboard, as Grafana would send them."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    values = {"$instance": ".*", "$__rate_interval": "1m", "$__range": "1h"}
    for name, value in values.items():
        found = [expression.replace(name, value) for expression in found]
    return found


def promtool(*words: object) -> subprocess.CompletedProcess[str]:
    command = [str(program("promtool")), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_rules_are_rules() -> None:
    ended = promtool("check", "rules", ALERTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_each_alert_fires_when_it_should(tmp_path: Path) -> None:
    tests = tmp_path / "alerts_test.yml"
    tests.write_text(UNIT_TESTS.read_text("utf-8").replace("ALERTS]", f"{ALERTS}]"))
    ended = promtool("test", "rules", tests)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    alerts = re.findall(r"alert: (\w+)", ALERTS.read_text("utf-8"))
    assert [name for name in alerts if name not in tests.read_text()] == []


def test_the_dashboard_has_the_shape_that_grafana_reads() -> None:
    assert {"title", "uid", "schemaVersion", "templating", "panels", "time", "refresh"} <= DASHBOARD.keys()
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["type"] for panel in panels} <= PANELS
    for panel in panels:
        place = panel["gridPos"]
        assert place["w"] > 0 and place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] != "row":
            assert panel["targets"] and panel["datasource"]["uid"] == "${datasource}"
    cells = [
        (column, line)
        for place in (panel["gridPos"] for panel in panels)
        for column in range(place["x"], place["x"] + place["w"])
        for line in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)), "two panels in one place"


@contextmanager
def running_prometheus(folder: Path, target: str) -> Iterator[str]:
    """A Prometheus that scrapes the target each second and knows the alerts; its URL."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "truestep", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is YAML
    words = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb")
    command = [str(program("prometheus")), *words, f"--web.listen-address={address}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://{address}/api/v1"
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def answer(url: str, **parameters: str) -> Any:
    response = httpx.get(url, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()["data"]


def wait_for_alert(api: str, name: str) -> dict[str, Any]:
    """The alert, once it is there."""
    for _ in range(START_SECONDS * 4):
        try:
            alerts = answer(f"{api}/alerts")["alerts"]
        except httpx.TransportError:
            alerts = []
        for alert in alerts:
            if alert["labels"]["alertname"] == name:
                return alert
        time.sleep(0.25)
    raise AssertionError(f"no alert {name}")


def tell(telemetry: Telemetry) -> None:
    """What a worker in a dispute would show and report."""
    telemetry.monitor.show(VITALS)
    telemetry.monitor.turn_ended(0.1, "")
    telemetry.reporter.report("claim_landed", "claimed", intent="claim/1", fee_wei=COIN_WEI, gas_used=9)
    telemetry.reporter.report("ran", "ran", cycles=1_000, seconds=0.5)


def test_prometheus_scrapes_a_daemon_and_every_query_has_an_answer(tmp_path: Path) -> None:
    program("prometheus")
    with opened_telemetry(("127.0.0.1", 0), "worker", ACCOUNT, Log()) as telemetry:
        tell(telemetry)
        with running_prometheus(tmp_path, telemetry.url.removeprefix("http://")) as api:
            alert = wait_for_alert(api, "TruestepClaimDisputed")
            assert "1 of its claims are disputed" in alert["annotations"]["summary"]
            rules = [rule for group in answer(f"{api}/rules")["groups"] for rule in group["rules"]]
            assert {rule["health"] for rule in rules} <= {"ok", "unknown"}, rules
            assert not [rule["lastError"] for rule in rules if rule.get("lastError")]
            for expression in expressions():
                answer(f"{api}/query", query=expression)
            exported = set(answer(f"{api}/label/__name__/values"))
            used = {
                name for text in (*expressions(), ALERTS.read_text("utf-8")) for name in METRIC.findall(text)
            }
            assert used - exported == set()
            (target,) = answer(f"{api}/targets")["activeTargets"]
            assert (target["health"], target["lastError"]) == ("up", "")
