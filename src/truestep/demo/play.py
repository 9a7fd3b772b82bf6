"""The plot: everybody acts until all is decided; only then is the chain's clock moved forward."""

import time
from collections.abc import Callable

from truestep.base.errors import Bug
from truestep.client import Job
from truestep.demo.scene import CHALLENGER, LIAR, WORKERS, Scene
from truestep.protocol.events import ChainEvent, TaskTaken
from truestep.protocol.records import TaskStage
from truestep.roles.views import View

PLAY_LIMIT_SECONDS = 600.0
"""Twenty times the usual duration: by then something is wrong."""
PAUSE_SECONDS = 0.05


def play(
    scene: Scene, job: Job, on_event: Callable[[ChainEvent], None], on_warp: Callable[[int], None]
) -> None:
    """Let the daemons work until the job is complete. Raises Bug if it never completes.

    The liar takes first: else the other workers may have done every shard before it has one.
    """
    give_up_at = time.monotonic() + PLAY_LIMIT_SECONDS
    next_block = scene.deployment.block_number
    others, views = set(WORKERS) - {LIAR}, dict[str, View]()
    while True:
        views |= {name: daemon.tick() for name, daemon in scene.daemons.items() if name not in others}
        head = scene.client.chain.head()
        if head.number < next_block:
            if _may_warp(scene, job, views[CHALLENGER], on_warp):
                continue
            time.sleep(PAUSE_SECONDS)
        for event in job.events(next_block, head.number):
            on_event(event)
            if isinstance(event, TaskTaken) and event.operator == scene.accounts[LIAR]:
                others.clear()
        next_block = max(next_block, head.number + 1)
        if job.is_complete() and not views[CHALLENGER].tasks:
            return
        if time.monotonic() > give_up_at:
            raise Bug(f"the job is not complete after {PLAY_LIMIT_SECONDS:g} s: {job.status()}")


def _may_warp(scene: Scene, job: Job, view: View, on_warp: Callable[[int], None]) -> bool:
    """Move the clock past all windows once every shard is claimed and the challenger agrees.

    A challenger's view leaves out the claims that it found to be true. It looked after the newest block.
    """
    status = job.status()
    claimed = [task for task in status.tasks if task.stage is TaskStage.CLAIMED]
    if view.tasks or not claimed or len(claimed) + status.count(TaskStage.FINAL) != len(status.tasks):
        return False
    seconds = max(task.until for task in claimed) + 1 - status.time_seconds
    on_warp(seconds)
    scene.devnet.advance(seconds)
    return True
