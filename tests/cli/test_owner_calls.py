"""Who may send a call of a network's owner is said before anything is paid."""

from pathlib import Path

import pytest

from truestep.adapters.keystore import create_keystore
from truestep.base.ids import Address
from truestep.cli.failure import Failure
from truestep.cli.owner_calls import OwnerOptions
from truestep.protocol.calls import NOBODY

OTHER = Address("0x" + "11" * 20)


def test_only_those_who_can_may_send(tmp_path: Path) -> None:
    own = create_keystore(tmp_path / "own.json", "password", guards_money=False)
    options = OwnerOptions(keystore=tmp_path / "own.json")
    options.refuse_others("a stop", OTHER, own)
    with pytest.raises(Failure, match=f"a stop is for {OTHER}, and the keystore is of {own}"):
        options.refuse_others("a stop", OTHER, NOBODY)
    with pytest.raises(Failure, match="this network has none"):
        options.refuse_others("a stop", NOBODY)


def test_without_a_key_the_call_is_printed_or_nothing_is_done() -> None:
    printed = OwnerOptions(call_data=True)
    printed.refuse_others("a stop", OTHER)
    assert printed.sender() is None
    with pytest.raises(Failure, match="this network has none"):
        printed.refuse_others("a stop", NOBODY)
    with pytest.raises(Failure, match="expected --keystore FILE"):
        OwnerOptions().account()
