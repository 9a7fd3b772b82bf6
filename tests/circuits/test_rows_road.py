"""From a job of many shards to claims that one proof makes final, by commands (docs/circuits.md C11, C12)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.circuits.test_rows import wide
from tests.console import Shell
from truestep.adapters.chain.devnet import free_port
from truestep.circuits.model_file import write_model
from truestep.circuits.rows import rows_input
from truestep.circuits.setup_key import KeyName, key_folder, make_development_key
from truestep.circuits.toolchain import Tools

POINTS = 1 << 21
LIMIT_SECONDS = 1_200.0
ROW_BYTES = 33
DEVELOPMENT = "--key development"
RUNS = f"{DEVELOPMENT} --runs 2"


@pytest.fixture
def shell(tools: Tools, tmp_path: Path) -> Iterator[Shell]:
    """A shell beside a devnet, with a model and an input of two rows."""
    assert tools.bb
    make_development_key(key_folder(KeyName.DEVELOPMENT), POINTS)
    random = Random(1)
    (tmp_path / "model.json").write_text(write_model(wide(size=ROW_BYTES)))
    (tmp_path / "rows.bin").write_bytes(rows_input([random.randbytes(ROW_BYTES) for _ in range(2)]))
    opened = Shell(tmp_path, {}, LIMIT_SECONDS)
    try:
        opened.say(f"truestep devnet --port {free_port()} > devnet.log 2>&1 &")
        opened.say("until test -f devnet/environment; do sleep 1; done; source devnet/environment")
        yield opened
    finally:
        opened.close()


def fields(shell: Shell, line: str) -> dict[str, Any]:
    """What a command that works says."""
    said = shell.say(f"truestep {line} --json 2> errors; cat errors >&2")
    start = next((at for at, each in enumerate(said) if each.startswith("{")), None)
    assert start is not None, (line, said)
    return json.JSONDecoder().raw_decode("\n".join(said[start:]))[0]


def refusal(shell: Shell, line: str) -> str:
    """What a command says that does not."""
    said = shell.say(f"truestep {line} && echo it works")
    assert said and "it works" not in said, (line, said)
    return " ".join(" ".join(said).split())


@pytest.mark.long
def test_the_claims_of_two_shards_are_proven_by_commands(shell: Shell) -> None:
    """Three minutes of a processor, and 2 GB."""
    shell.say("truestep import model.json -o model.elf")
    deploy = f"verifiers deploy model.json {RUNS} --keystore devnet/operator-1.json"
    made = fields(shell, deploy)
    address = made["verifier"]
    assert made["runs"] == 2
    assert fields(shell, deploy)["verifier"] == address
    assert fields(shell, f"verifiers check model.json {address} {RUNS}")["code_hash"] == made["code_hash"]
    other = refusal(shell, f"verifiers check model.json {address} {DEVELOPMENT}")
    assert "look at --max-cycles, --key and --runs" in other
    announce = f"verifiers add model.json {address} {RUNS} --value-cap 5 --keystore devnet/governor.json"
    assert fields(shell, announce)["entry"] == 1
    shell.say("truestep verifiers execute 1 --skip-delay --keystore devnet/governor.json")
    job = (
        f"submit model.elf --input rows.bin --shards 2 --policy validity --window 16min --reward 0.01"
        f" --max-cycles {made['max_cycles']} --keystore devnet/requester.json"
    )
    assert fields(shell, job)["shards"] == 2
    prove = f"prove 1 0 --model model.json {RUNS} --input rows.bin -o seal.bin"
    assert "these have none that can be proven: 0 (open), 1 (open)" in refusal(shell, prove)
    shell.say(
        "truestep worker --unproven --stake 2 --state-dir worker --keystore devnet/operator-2.json"
        " > worker.log 2>&1 &"
    )
    shell.say("for i in $(seq 120); do grep -q claim_landed worker.log && break; sleep 1; done")
    assert "`truestep prove 1 0 --runs N`" in refusal(
        shell, f"prove 1 0 --model model.json {DEVELOPMENT} --input rows.bin"
    )
    assert "shard 1 is proven with 0" in refusal(shell, prove.replace("1 0", "1 1"))
    assert "is not that of the job" in refusal(shell, prove.replace("rows.bin", "model.json"))
    sealed = fields(shell, prove)
    assert (sealed["entry"], sealed["runs"]) == (1, 2)
    send = "verifiers prove 1 0 --entry 1 --seal seal.bin --keystore devnet/requester.json"
    assert refusal(shell, send)
    assert fields(shell, f"{send} --runs 2")["first_shard"] == 0
    for shard in range(2):
        assert fields(shell, f"proof 1 {shard}")
    assert "all of these shards of job 1 are proven" in refusal(shell, prove)
