"""Programs and inputs in memory: as many as fit, whatever strangers post."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.decoys import padded
from tests.node.tasks.test_queue import Shop
from truestep.base.errors import Unavailable
from truestep.node.tasks.materials import Materials

SIZE_BYTES = 5_000


def test_large_programs_are_not_all_kept(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    each = [
        shop.unfetched(number, padded(number, bytes([number]) * SIZE_BYTES)[0].elf) for number in range(1, 4)
    ]
    materials = Materials(shop.blobs, programs_limit_bytes=2 * SIZE_BYTES + 100)
    for terms in each:
        materials.get(terms)
    for blob in tmp_path.rglob("*"):
        if blob.is_file():
            blob.unlink()
    materials.get(each[1])
    materials.get(each[2])
    with pytest.raises(Unavailable):
        materials.get(each[0])
    shop.close()
