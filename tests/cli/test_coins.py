"""The commands that move coins, and change what a posted job pays and who acts for whom."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke
from tests.cli.processes import Devnet, running_devnet
from truestep.adapters.keystore import keystore_address
from truestep.cli.commands.delegate import parse_roles, role_names
from truestep.protocol.settlement.ids import Role

RECEIVER = "0x" + "77" * 20
COIN_WEI = 10**18


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Generator[Devnet]:
    with running_devnet(tmp_path_factory.mktemp("network") / "devnet") as running:
        yield running


def _posted(truestep: Invoke, devnet: Devnet, elf: Path, *options: object) -> int:
    words = ("submit", elf, "--max-cycles", 1000, "--shards", 3, *options)
    return truestep(*words, *devnet.options("requester"), "--json").fields()["job_id"]


def _fields(truestep: Invoke, devnet: Devnet, role: str, *words: object) -> dict[str, Any]:
    return truestep(*words, *devnet.sending(role), "--json").fields()


def test_a_job_is_topped_up_and_closed(truestep: Invoke, devnet: Devnet, hello_elf: Path) -> None:
    job_id = _posted(truestep, devnet, hello_elf, "--reward", "20gwei")
    raised = _fields(truestep, devnet, "requester", "top-up", job_id, "5gwei")
    assert (raised["reward_wei"], raised["paid_wei"]) == (25 * 10**9, 15 * 10**9)
    assert _fields(truestep, devnet, "requester", "close", job_id)["reclaimable"] == [0, 1, 2]
    again = _fields(truestep, devnet, "requester", "close", job_id)
    assert again["error"]["reason"] == "deadline is over"
    assert _fields(truestep, devnet, "requester", "reclaim", job_id)["reclaimed_wei"] == 75 * 10**9


def test_open_shards_are_cancelled_before_the_deadline(
    truestep: Invoke, devnet: Devnet, hello_elf: Path
) -> None:
    job_id = _posted(truestep, devnet, hello_elf, "--reward", "20gwei")
    early = truestep("reclaim", job_id, *devnet.sending("requester"))
    assert "--now cancels those that no worker has" in early.stdout
    assert _fields(truestep, devnet, "requester", "reclaim", job_id, "--now")["reclaimed_wei"] == 60 * 10**9
    assert truestep("status", job_id, *devnet.options(), "--json").fields()["stage"] == "expired"


def test_the_terms_of_a_job(truestep: Invoke, devnet: Devnet, hello_elf: Path) -> None:
    terms = ("--window", "20min", "--bond-multiple", 2, "--consumer", RECEIVER, "--callback-gas", 50_000)
    job_id = _posted(truestep, devnet, hello_elf, *terms)
    status = truestep("status", job_id, *devnet.options(), "--json").fields()
    assert (status["window_seconds"], status["operator_bond_wei"]) == (1_200, 2 * COIN_WEI)


def test_a_reducer_waits_for_its_job(truestep: Invoke, devnet: Devnet, hello_elf: Path) -> None:
    job_id = _posted(truestep, devnet, hello_elf)
    words = ("submit", hello_elf, "--reduce", job_id, "--max-cycles", 1000, *devnet.options("requester"))
    unsized = truestep(*words, "--json")
    assert (unsized.exit_code, unsized.fields()["error"]["reason"]) == (1, "reducer: shape")
    posted = truestep(*words, "--slot-bytes", 40, "--json")
    reducer_id = posted.fields()["job_id"]
    assert f"truestep feed {reducer_id}" in posted.stderr
    assert f"truestep feed {reducer_id}" in truestep("status", reducer_id, *devnet.options()).stdout
    early = truestep("feed", reducer_id, *devnet.options("requester"), "--json")
    assert early.fields()["error"]["reason"] == "shard is not written out"


def test_stake_is_deposited_and_withdrawn(truestep: Invoke, devnet: Devnet) -> None:
    operator = keystore_address(devnet.folder / "operator-1.json")
    given = _fields(truestep, devnet, "requester", "deposit", "0.5", "--operator", operator)
    assert (given["operator"], given["stake_wei"]) == (operator, COIN_WEI // 2)
    own = _fields(truestep, devnet, "operator-1", "deposit", "7wei")
    assert own["stake_wei"] == COIN_WEI // 2 + 7
    taken = _fields(truestep, devnet, "operator-1", "withdraw", "--stake", "0.2", "--to", RECEIVER)
    assert (taken["stake_wei"], taken["receiver"], taken["rewards_wei"]) == (COIN_WEI // 5, RECEIVER, 0)
    too_much = _fields(truestep, devnet, "operator-1", "withdraw", "--stake", "0.4")
    assert too_much["error"]["reason"] == "not enough free stake"
    nothing = truestep("withdraw", *devnet.sending("operator-2"))
    assert "nothing to withdraw" in nothing.stdout


def test_a_delegate_gets_roles_and_loses_them(truestep: Invoke, devnet: Devnet) -> None:
    words = ("delegate", RECEIVER, "--roles")
    first = _fields(truestep, devnet, "operator-1", *words, "take,claim")
    assert (first["roles"], first["changed"]) == (["take", "claim"], True)
    assert not _fields(truestep, devnet, "operator-1", *words, "claim, take")["changed"]
    assert _fields(truestep, devnet, "operator-1", *words, "none")["roles"] == []


def test_roles_in_words() -> None:
    assert role_names(parse_roles("move,take")) == ["take", "move"]
    assert parse_roles("none") == Role(0)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("delegate", RECEIVER, "--roles", "steal"), "--roles"),
        (("delegate", RECEIVER, "--roles", "take,none"), "--roles"),
        (("delegate", "0x1234", "--roles", "take"), "ADDRESS"),
        (("withdraw", "--to", "me"), "--to"),
        (("withdraw", "--to", "0x" + "00" * 20), "--to"),
        (("withdraw", "--stake", "lots"), "--stake"),
        (("deposit", "lots"), "AMOUNT"),
        (("deposit", "0"), "AMOUNT"),
        (("deposit", "1", "--operator", "0x" + "aB" * 20), "--operator"),
        (("proof", 1, 0, "--part", 0), "--part"),
    ],
)
def test_what_is_not_understood(
    truestep: Invoke, devnet: Devnet, words: tuple[object, ...], named: str
) -> None:
    options = devnet.options() if words[0] == "proof" else devnet.sending("operator-1")
    finished = truestep(*words, *options)
    assert (finished.exit_code, named in finished.stderr) == (2, True), finished.stderr


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--reward", "0.1", "--asset", RECEIVER), "--reward"),
        (("--asset", "gold"), "--asset"),
        (("--window", "soon"), "--window"),
        (("--window", "0s"), "--window"),
        (("--bond-multiple", "256"), "--bond-multiple"),
        (("--consumer", "me"), "--consumer"),
        (("--callback-gas", "5"), "--callback-gas"),
        (("--slot-bytes", "5"), "--slot-bytes"),
    ],
)
def test_terms_that_are_not_understood(
    truestep: Invoke, devnet: Devnet, hello_elf: Path, options: tuple[str, ...], named: str
) -> None:
    finished = truestep("submit", hello_elf, "--max-cycles", 9, *options, *devnet.options("requester"))
    assert (finished.exit_code, named in finished.stderr) == (2, True), finished.stderr


def test_a_reducer_needs_the_most_cycles(truestep: Invoke, devnet: Devnet, hello_elf: Path) -> None:
    finished = truestep("submit", hello_elf, "--reduce", 1, *devnet.options("requester"))
    assert (finished.exit_code, "--max-cycles" in finished.stderr) == (2, True)


# --- data that is kept ----------------------------------------------------------------------------


def test_who_keeps_the_data_is_said_before_coins_move(
    truestep: Invoke, devnet: Devnet, hello_elf: Path
) -> None:
    words = ("submit", hello_elf, "--max-cycles", 1000, *devnet.options("requester"))
    nobody = truestep(*words)
    assert "nobody has to keep program, input and outputs" in nobody.stderr
    written = truestep(*words, "--availability", "calldata", "--json")
    job_id = written.fields()["job_id"]
    assert "nobody can take the job before the chain has program and input" in written.stderr
    assert "writes program and input to the chain" in written.stderr
    again = truestep("supply", job_id, *devnet.options("requester"), "--availability", "calldata", "--json")
    assert again.fields() == {"job_id": job_id, "supplied": True, "now": False}
    assert _fields(truestep, devnet, "requester", "items", "--close") == {
        "items": [], "closed": [], "withdrawn_wei": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--availability", "keepers"), "this network has 0 keepers, of which 0 can take more"),
        (("--availability", "keepers", "--items-url", "ftp://x"), "http or https URL"),
        (("--availability", "keepers", "--keeper-fee", "much"), "expected an amount"),
        (("--availability", "keepers", "--keep-for", "long"), "expected a time"),
        (("--availability", "friends"), "expected one of none, keepers"),
    ],
)
def test_what_cannot_be_kept_is_said(
    truestep: Invoke, devnet: Devnet, hello_elf: Path, words: tuple[str, ...], message: str
) -> None:
    order = ("submit", hello_elf, "--input", __file__, "--max-cycles", 1000, *devnet.options("requester"))
    finished = truestep(*order, *words)
    assert finished.exit_code != 0 and message in " ".join(finished.stderr.split())


def test_only_the_requester_supplies(truestep: Invoke, devnet: Devnet, hello_elf: Path) -> None:
    job_id = _posted(truestep, devnet, hello_elf)
    finished = truestep("supply", job_id, *devnet.options("challenger"))
    assert finished.exit_code == 1 and "nobody else can supply it" in " ".join(finished.stderr.split())
    finished = truestep("supply", job_id, *devnet.options("requester"), "--availability", "none")
    assert finished.exit_code == 2
