"""The plot: everybody acts until every shard is final; the chain's clock is moved on when all else is done."""

import time
from collections.abc import Callable

from truestep.base.errors import Bug
from truestep.cli.demo.scene import CHALLENGER, Scene
from truestep.client import Job, JobStage
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import TaskStage
from truestep.roles.challenger import is_false
from truestep.roles.views import View

PLAY_LIMIT_SECONDS = 600.0
"""Twenty times what it takes: something is wrong, and nobody should wait for it."""
PAUSE_SECONDS = 0.02


def play(
    scene: Scene, job: Job, on_event: Callable[[ChainEvent], None], on_warp: Callable[[int], None]
) -> None:
    """Let the daemons work until the job is complete. Raises Bug if it never is."""
    give_up_at = time.monotonic() + PLAY_LIMIT_SECONDS
    next_block = scene.deployment.block_number
    while True:
        views = {name: daemon.tick() for name, daemon in scene.daemons.items()}
        head = scene.client.chain.head().number
        for event in job.events(next_block, head):
            on_event(event)
        next_block = max(next_block, head + 1)
        status = job.status()
        if status.stage is JobStage.COMPLETE and not views[CHALLENGER].tasks:
            return
        claimed = [task for task in status.tasks if task.stage is TaskStage.CLAIMED]
        is_all_claimed = len(claimed) + status.count(TaskStage.FINAL) == len(status.tasks)
        if claimed and is_all_claimed and _is_content(views[CHALLENGER], len(claimed)):
            seconds = max(task.until for task in claimed) + 1 - status.time_seconds
            if seconds > 0:
                on_warp(seconds)
                scene.devnet.advance(seconds)
        if time.monotonic() > give_up_at:
            raise Bug(f"the job is not complete after {PLAY_LIMIT_SECONDS:g} s: {status}")
        time.sleep(PAUSE_SECONDS)


def _is_content(view: View, claim_count: int) -> bool:
    """Whether the challenger has run every claim again, found it true, and has no game open."""
    verdicts = [
        is_false(task, claim) is False and not claim.games and claim.open_game_count == 0
        for task in view.tasks
        for claim in task.claims
    ]
    return len(verdicts) == claim_count and all(verdicts)
