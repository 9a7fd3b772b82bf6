"""Programs and inputs: as many in memory as fit, and what is remembered of those that nobody has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.network import ELF
from tests.lab.decoys import padded
from tests.node.tasks.test_queue import Shop
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.node.tasks.materials import Materials
from truestep.node.tasks.queue import FETCH_AGAIN_SECONDS, FETCH_TURN_SECONDS
from truestep.roles.views import MaterialStage

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


def test_what_failed_is_remembered_as_long_as_its_job_lives(tmp_path: Path) -> None:
    """Else a job that is not looked at for a while comes back as if nothing had been tried."""
    shop = Shop(tmp_path)
    absent = shop.unfetched(1, ELF, input_uri=f"blob:{'0' * 64}", input_root=Bytes32(bytes(32)))
    shop.queue.want([], [absent])
    shop.clock.sleep(FETCH_TURN_SECONDS)
    shop.until(lambda: shop.queue.material(absent.source).stage is MaterialStage.UNREACHABLE)
    shop.queue.keep_only([], [absent.source])
    assert shop.queue.is_resting(absent.source)
    assert shop.queue.attempts(absent.source) == 2, "it failed once, and used up a turn"
    shop.clock.sleep(2 * FETCH_AGAIN_SECONDS)
    assert not shop.queue.is_resting(absent.source)
    assert shop.queue.material(absent.source).stage is MaterialStage.UNREACHABLE
    shop.queue.keep_only([], [])
    assert shop.queue.attempts(absent.source) == 0
    assert shop.queue.material(absent.source).stage is MaterialStage.MISSING
    shop.close()
