"""`truestep gateway` and `truestep gateway-token`: what they need, and what they refuse."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from tests.cli.conftest import Invoke
from truestep.gateway.tokens import read_tokens

SIGNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def test_a_token_comes_with_the_lines_that_the_gateway_reads(truestep: Invoke, tmp_path: Path) -> None:
    finished = truestep("gateway-token", "shop", "--signer", SIGNER, "--budget", "0.5", "--json")
    said = finished.fields()
    file = tmp_path / "tokens.toml"
    file.write_text(said["entry"])
    found = read_tokens(file).of(said["token"])
    assert found is not None and found.signers == {SIGNER.lower()} and found.budget_wei == 5 * 10**17
    entry = tomllib.loads(said["entry"])["tokens"]["shop"]
    assert entry["sha256"] == hashlib.sha256(said["token"].encode()).hexdigest()
    assert said["token"] not in said["entry"]


def test_a_token_needs_a_name_an_account_and_a_budget(truestep: Invoke) -> None:
    for words, said in (
        (("Shop", "--signer", SIGNER, "--budget", "1"), "lower-case"),
        (("shop", "--signer", "0x12", "--budget", "1"), "40 hex digits"),
        (("shop", "--signer", SIGNER, "--budget", "much"), "an amount"),
    ):
        finished = truestep("gateway-token", *words)
        assert finished.exit_code != 0 and said in finished.stderr


def test_orders_need_an_account_and_a_journal(truestep: Invoke, tmp_path: Path) -> None:
    words = ("--rpc", "http://127.0.0.1:9", "--network", "x", "--tokens", tmp_path / "tokens.toml")
    for missing, others in (("--keystore", ()), ("--state", ("--keystore", tmp_path / "account.json"))):
        finished = truestep("gateway", *words, *others)
        assert finished.exit_code == 2 and missing in finished.stderr
