"""Each devnet has contracts of its own, also in the folder of an earlier one."""

from pathlib import Path

from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.availability.parts import BLOB_PAYLOAD_BYTES
from truestep.devnet.network import (
    ROLES,
    WINDOW_MIN_SECONDS,
    DevnetFolder,
    devnet_availability,
    devnet_parameters,
    set_up,
)

CHECKED_SECONDS = 1.0
"""Of a core, for a keeper to check a blob and make its cells: more than twice what it takes."""


def test_a_new_chain_in_an_old_folder_has_other_contracts_and_the_same_accounts(tmp_path: Path) -> None:
    folder = DevnetFolder(path=tmp_path)
    chains = [
        set_up(EmbeddedDevnet(), folder, devnet_parameters(WINDOW_MIN_SECONDS), lambda _done, _words: None)
        for _ in range(2)
    ]
    (first, first_accounts), (second, second_accounts) = chains
    assert first.chain_id == second.chain_id
    assert first.address("Jobs") != second.address("Jobs")
    assert list(first_accounts) == list(ROLES)
    assert first_accounts == second_accounts


def test_four_keepers_on_two_cores_have_time_for_an_input_of_20_mb() -> None:
    blobs = -(-20_000_000 // BLOB_PAYLOAD_BYTES)
    assert 4 * blobs * CHECKED_SECONDS / 2 < devnet_availability().acknowledge_seconds
