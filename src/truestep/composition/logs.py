"""Opens the log of a worker, and serves it (docs/logs.md L7)."""

import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from truestep import __version__
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.sender import Signer
from truestep.adapters.logs.folder import LogFolder, LogNames
from truestep.adapters.logs.keys import Anchoring, LogKeys
from truestep.adapters.logs.serving import LogServer
from truestep.base.ids import Address
from truestep.node.tasks.claim_log import ClaimLog
from truestep.ports.chain import Chain
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store
from truestep.protocol.logs.entries import LogOpened, entry_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Where a worker's log is, and where it is served."""

    folder: Path | None = None
    """None: in the state directory."""
    listen: tuple[str, int] | None = None
    """Host and port; None if somebody else serves the folder, or nobody does."""
    is_shared: bool = False
    """Whether other workers claim for the operator, with logs of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOwner:
    """Whose log it is."""

    signer: Signer
    operator: Address
    deployment: Deployment


def _anchoring(deployment: Deployment) -> Anchoring | None:
    """What checkpoints are signed for besides; registered or not, it costs nothing."""
    if deployment.logs is None:
        return None
    return Anchoring(chain_id=deployment.chain_id, anchors=deployment.address("Anchors"))


@contextmanager
def opened_log(
    settings: LogSettings, owner: LogOwner, store: Store, chain: Chain, reporter: Reporter, state_dir: Path
) -> Generator[ClaimLog]:
    """The log, served until the end. Raises `Rejected` if it is an old copy, OSError, `Unavailable`."""
    deployment = owner.deployment
    jobs = deployment.address("Jobs")
    folder = settings.folder or state_dir / "log" / f"{deployment.chain_id}-{jobs.lower()}"
    account, now = Address(owner.signer.address), time.time_ns()
    prefix = f"truestep/{deployment.chain_id}/{jobs[2:10].lower()}/{account.lower()}/"
    names = LogNames(prefix=prefix, suffix=f"{now:x}")
    log = LogFolder(folder, names, LogKeys(cast(Any, owner.signer)), store, _anchoring(deployment))
    if not log.size:
        opened = LogOpened(
            chain_id=deployment.chain_id,
            jobs=jobs,
            operator=owner.operator,
            account=account,
            batch_count=chain.counters().batch_count,
            software=f"truestep {__version__}",
            logged_at=now // 10**9,
        )
        log.append([entry_bytes(opened)])
    claim_log = ClaimLog(log, is_shared=settings.is_shared)
    if settings.listen is None:
        reporter.report(
            "log", f"claims are logged in {folder}, {log.size:,} entries until now", entries=log.size
        )
        yield claim_log
        return
    with closing(LogServer(folder, *settings.listen)) as server:
        reporter.report(
            "log",
            f"claims are logged in {folder}, {log.size:,} until now, and served at {server.url}:"
            f" `truestep audit-log {server.url}` checks them",
            entries=log.size,
            url=server.url,
        )
        yield claim_log
