"""Files of parameters: the shipped ones, changes, and everything that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from truestep.adapters.parameter_files import SHIPPED, read_settings
from truestep.base.errors import Rejected
from truestep.base.ids import Address

DEPLOYER = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
MULTISIG = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_files_are_within_bounds(name: str) -> None:
    settings = read_settings(name, [f"proposer={MULTISIG}", "guardian=none"], DEPLOYER)
    assert settings.timelock.proposer == MULTISIG
    assert int(settings.timelock.guardian, 16) == 0


def test_a_change_replaces_what_the_file_says() -> None:
    changes = ["window=1d 12h", "operator_bond = 2", "arity=1_6", "lease_penalty=12.5%", "gas_price_cap=7wei"]
    values = read_settings("testnet", changes, DEPLOYER).values
    assert values["window_seconds"] == 36 * 3_600
    assert values["operator_bond_wei"] == 2 * 10**18
    assert (values["arity"], values["lease_penalty_bps"], values["gas_price_cap_wei"]) == (16, 1_250, 7)


def test_availability_has_a_table_of_its_own() -> None:
    without = read_settings("testnet", ["availability=none"], DEPLOYER)
    assert without.kept_by is None
    assert not any(name.startswith("availability") for name in without.values)
    changed = read_settings("testnet", ["availability.answer=2h", "winner_share=41%"], DEPLOYER)
    assert changed.values["availability.answer_seconds"] == 7_200
    assert changed.values["availability.winner_share_bps"] == 5_000
    assert changed.kept_by is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "availability=yes",
            "testnet.toml: expected a table [availability], got 'yes'; --set availability=none",
        ),
        (
            "availability.anser=1h",
            "testnet.toml, [availability]: unknown parameter 'anser'; did you mean answer?",
        ),
    ],
)
def test_a_change_of_availability_that_is_not_understood(change: str, message: str) -> None:
    assert refusal("testnet", change).startswith(f"not parameters of a network: {message}")


def test_rules_of_availability_out_of_bounds() -> None:
    assert "answer: expected 1 min to 7 d, got 1 s" in refusal("testnet", "availability.answer=1s")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("windw=1h", "testnet.toml: unknown parameter 'windw'; did you mean window?"),
        ("window=12", "window: expected a time such as 90s, 30min, 12h or 2d, got '12'"),
        ("operator_bond=much", "operator_bond: expected an amount such as 0.05, 20gwei or 7wei, got 'much'"),
        ("lease_penalty=10", "lease_penalty: expected a share such as 10%, got '10'"),
        ("arity=6x", "arity: expected a whole number, got '6x'"),
        ("window", "expected a change such as window=12h, got 'window'; see --set"),
    ],
)
def test_a_change_that_is_not_understood(change: str, message: str) -> None:
    assert refusal("testnet", change) == f"not parameters of a network: {message}"


def test_a_mainnet_has_no_default_owner() -> None:
    assert refusal("mainnet") == (
        "not parameters of a network: proposer: expected an address (with its checksum, if letters are mixed)"
        " or \"deployer\", got ''; pass --set proposer=..."
    )
    assert refusal("mainnet", f"proposer={MULTISIG[:-1]}0").startswith(
        "not parameters of a network: proposer: expected an address"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("window = ", "{file} is not TOML: "),
        ('window = "1h"', "{file}: missing operator_bond, challenger_bond, cycles_per_second, clock, "),
        ("#" * 70_000, "{file} is too large for a file of parameters"),
    ],
)
def test_a_file_that_is_not_understood(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    assert refusal(str(file)).startswith(f"not parameters of a network: {message.format(file=file)}")


def test_a_missing_file() -> None:
    assert refusal("tesnet") == (
        "not parameters of a network: cannot read tesnet: No such file or directory; give a file, or one of"
        " testnet, mainnet"
    )


def refusal(place: str, *changes: str) -> str:
    """What is said about bad settings."""
    with pytest.raises(Rejected) as refused:
        read_settings(place, changes, DEPLOYER)
    return str(refused.value)
