import shutil
from dataclasses import asdict
from pathlib import Path

from tests.adapters.test_migrations import DEPLOYMENT as OLD
from tests.adapters.test_migrations import FILES
from tests.e2e.network import Log
from tests.protocol.settlement.world import PARAMETERS
from truestep.adapters.chain.deployment import ContractAddresses, Deployment
from truestep.adapters.store.sqlite import SqliteStore
from truestep.composition.network import deployment_store
from truestep.protocol.assignment.rules import DRAW_RULES

COUNTED = {name: f"0x{number:040x}" for number, name in enumerate(ContractAddresses.model_fields, 1)}


def network_at(addresses: dict[str, str]) -> Deployment:
    return Deployment(
        chain_id=OLD["chain_id"],
        block_number=2,
        addresses=ContractAddresses(**addresses),
        parameters=asdict(PARAMETERS),
        delay_seconds=86_400,
        draws=asdict(DRAW_RULES),
        operators_transaction="00" * 32,
    )


KNOWN, OTHER = network_at(COUNTED | OLD["addresses"]), network_at(COUNTED)
"""One with the contracts that the files' transactions were sent to, and another."""


def test_a_state_directory_serves_a_new_deployment_and_says_what_else_it_holds(tmp_path: Path) -> None:
    path = Path(shutil.copy(FILES / "liar.sqlite", tmp_path / "state.sqlite"))
    log = Log()
    with SqliteStore(path) as whole:
        assert deployment_store(whole, OTHER, log).tables() == []
        assert len(deployment_store(whole, KNOWN, log).rows("transactions")) == 6
        assert deployment_store(whole, OTHER, log).tables() == []
    said = [message for kind, message in log.lines if kind == "deployment"]
    assert ["older release wrote" in message for message in said] == [True, False, False]
    assert ["is also of another network" in message for message in said] == [True, False, True]
    assert KNOWN.address("Jobs").lower() in said[2]
