import shutil
from pathlib import Path

from tests.adapters.test_migrations import DEPLOYMENT, FILES
from tests.e2e.network import Log
from truestep.adapters.store.sqlite import SqliteStore
from truestep.composition.network import deployment_store

ADDRESSES = {name: f"0x{number:040x}" for number, name in enumerate(DEPLOYMENT.addresses.model_fields_set, 1)}
OTHER = DEPLOYMENT.model_copy(update={"addresses": DEPLOYMENT.addresses.model_copy(update=ADDRESSES)})


def test_a_state_directory_serves_a_new_deployment_and_says_what_else_it_holds(tmp_path: Path) -> None:
    path = Path(shutil.copy(FILES / "liar.sqlite", tmp_path / "state.sqlite"))
    log = Log()
    with SqliteStore(path) as whole:
        assert deployment_store(whole, OTHER, log).tables() == []
        assert len(deployment_store(whole, DEPLOYMENT, log).rows("transactions")) == 6
        assert deployment_store(whole, OTHER, log).tables() == []
    said = [message for kind, message in log.lines if kind == "deployment"]
    assert ["unknown" in message for message in said] == [True, False, False]
    assert ["also holds" in message for message in said] == [True, False, True]
    assert DEPLOYMENT.address("Jobs").lower() in said[2]
