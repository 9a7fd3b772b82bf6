"""What the worker's options mean, and what is wrong with others before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from web3 import Web3

from tests.cli.conftest import Invoke
from truestep.base.ids import Address
from truestep.cli.commands.worker import parse_asset

TOKEN = Address("0x" + "0" * 38 + "1a")
CHECKSUMMED = Address(Web3.to_checksum_address(TOKEN))
NETWORK = (
    "--rpc",
    "http://127.0.0.1:1",
    "--deployment",
    "none.json",
    "--blobs",
    "none",
    "--keystore",
    "none",
)


def test_a_prover_without_its_tools_is_refused_before_anything_is_taken(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUESTEP_CIRCUIT_TOOLS", str(tmp_path / "none"))
    for options, said in (
        (("--prove", "missing.json", "--prove-memory", "1"), "the prover is not installed"),
        (("--prove", "m", "--prove-memory", "much"), "expected a size such as 512MiB"),
        (("--prove", "m", "--prove-seconds", "0"), "expected a whole number of at least 1"),
    ):
        refused = truestep("worker", *NETWORK, "--state-dir", str(tmp_path), *options)
        assert refused.exit_code in (1, 2)
        assert said in " ".join(refused.stderr.replace("│", " ").split())


def test_a_token_is_named_with_its_least_reward() -> None:
    assert parse_asset(f"{TOKEN}=2500000") == (CHECKSUMMED, 2_500_000)
    assert parse_asset(f"{TOKEN}=0")[1] == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--asset", TOKEN), "expected a token and the least reward"),
        (("--asset", f"{TOKEN}=1.5"), "expected a token and the least reward"),
        (("--asset", "0x12=5"), "expected an address"),
        (("--stake", "5", "--operator", TOKEN), "expected --stake or --operator, not both"),
        (("--min-reward", "much"), "expected an amount"),
        (("--max-batch", "0"), "expected a whole number from 1 to 256, got '0'"),
        (("--max-batch", "257"), "expected a whole number from 1 to 256, got '257'"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_opened(
    truestep: Invoke, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    folder = tmp_path / "state"
    finished = truestep("worker", *NETWORK, "--state-dir", folder, *options)
    words = " ".join(finished.stderr.replace("│", " ").split())
    assert (finished.exit_code, says in words, folder.exists()) == (2, True, False), words
