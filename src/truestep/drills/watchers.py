"""Watchers on the stage: the daemon of `truestep watch`, in a thread."""

from contextlib import ExitStack, closing

from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.adapters.trusted_setup import open_kzg
from truestep.composition.watching import WatcherSettings, opened_watcher
from truestep.drills.reports import Reports
from truestep.drills.stage import POLL_SECONDS, Stage
from truestep.node.availability.watcher import watcher_node
from truestep.roles.availability.sights import WatchPolicy

LOOK_SECONDS = 30
"""Between two looks, by the chain's time: minutes where a real one takes hours."""
POLICY = WatchPolicy(look_seconds=2 * LOOK_SECONDS, again_seconds=LOOK_SECONDS)


WATCHER = "watcher"
"""Its name."""


def watcher(stage: Stage) -> None:
    """Start one. Its purse is looked into before: it acts at once."""
    key, folder, stack = stage.key(WATCHER), stage.folder / WATCHER, ExitStack()
    stage.stay(stack)
    reports = stack.enter_context(closing(Reports(folder / "log.jsonl")))
    settings = WatcherSettings(
        rpc=[stage.url], contracts=stage.contracts, state_dir=folder, signer=key, may_be_private=True
    )
    world = stack.enter_context(opened_watcher(settings, reports))
    loop = watcher_node(world, POLICY)
    stack.enter_context(stage.running(lambda should_stop: loop.run(should_stop, POLL_SECONDS)))


def fetched(stage: Stage, reports: Reports) -> KeeperBlobs:
    """What anybody can fetch from the keepers; `reports` hears which of them lie."""
    return KeeperBlobs(stage.facts, open_kzg(), reports, may_be_private=True)
