"""A state directory belongs to one account."""

from __future__ import annotations

from pathlib import Path

import pytest

from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.composition.daemons import keep_owner

OWNER, OTHER = Address("0x" + "aB" * 20), Address("0x" + "cd" * 20)


def test_the_state_of_one_account_is_refused_to_another(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "state.sqlite") as store:
        keep_owner(store, OWNER)
        keep_owner(store, Address(OWNER.lower()))
        with pytest.raises(Rejected, match=f"got that of {OWNER.lower()}") as refused:
            keep_owner(store, OTHER)
        assert refused.value.reason is Reject.STATE_OF_OTHER
        keep_owner(store, OWNER)
