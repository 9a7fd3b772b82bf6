"""Opens the log of a worker, and serves it (docs/logs.md L7)."""

import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from truestep import __version__
from truestep.adapters.chain.anchors_desk import AnchorsDesk
from truestep.adapters.chain.connection import Node
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.sender import Signer
from truestep.adapters.logs.anchoring import GroupAnchoring
from truestep.adapters.logs.folder import LogFolder, LogNames
from truestep.adapters.logs.keys import Anchoring as Domain
from truestep.adapters.logs.keys import LogKeys
from truestep.adapters.logs.serving import LogServer
from truestep.adapters.logs.signatory import Group, Signatory
from truestep.base.ids import Address
from truestep.base.text import counted
from truestep.composition.network import DEVNET_CHAINS
from truestep.node.tasks.claim_log import ClaimLog
from truestep.ports.anchoring import Anchoring
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
    anchor_cost_wei: int | None = None
    """What anchoring an epoch may cost; None if it takes no part in that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOwner:
    """Whose log it is."""

    signer: Signer
    operator: Address
    deployment: Deployment
    node: Node | None = None
    """Where Anchors is asked; None if the log takes no part in epochs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLog:
    """A log, and what anchors it."""

    claims: ClaimLog
    anchoring: Anchoring | None = None


def _domain(deployment: Deployment) -> Domain | None:
    """What checkpoints are signed for besides; registered or not, it costs nothing."""
    if deployment.logs is None:
        return None
    return Domain(chain_id=deployment.chain_id, anchors=deployment.address("Anchors"))


def _group(settings: LogSettings, owner: LogOwner, keys: LogKeys) -> Group | None:
    """The logs with which it is anchored; None in a network without Anchors, and if it is not wanted."""
    if settings.anchor_cost_wei is None or owner.node is None or owner.deployment.logs is None:
        return None
    return Group(AnchorsDesk(owner.node, owner.deployment), keys)


def _group_anchoring(folder: Path, keys: LogKeys, group: Group, chain: Chain) -> GroupAnchoring:
    is_stranger = group.desk.chain_id not in DEVNET_CHAINS
    return GroupAnchoring(folder, keys, group, chain.gas_price_wei, is_stranger=is_stranger)


@contextmanager
def opened_log(
    settings: LogSettings, owner: LogOwner, store: Store, chain: Chain, reporter: Reporter, state_dir: Path
) -> Generator[OpenedLog]:
    """The log, served until the end. Raises `Rejected` if it is an old copy, OSError, `Unavailable`."""
    deployment = owner.deployment
    jobs = deployment.address("Jobs")
    folder = settings.folder or state_dir / "log" / f"{deployment.chain_id}-{jobs.lower()}"
    account, now = Address(owner.signer.address), time.time_ns()
    prefix = f"truestep/{deployment.chain_id}/{jobs[2:10].lower()}/{account.lower()}/"
    names = LogNames(prefix=prefix, suffix=f"{now:x}")
    keys = LogKeys(cast(Any, owner.signer))
    log = LogFolder(folder, names, keys, store, _domain(deployment))
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
    group = _group(settings, owner, keys)
    opened = OpenedLog(
        claims=ClaimLog(log, is_shared=settings.is_shared),
        anchoring=group and _group_anchoring(folder, keys, group, chain),
    )
    entries = counted(log.size, "entry", "entries")
    if settings.listen is None:
        reporter.report("log", f"claims are logged in {folder}, which has {entries}", entries=log.size)
        yield opened
        return
    sign = Signatory(folder, keys, group).answer if group is not None else None
    with closing(LogServer(folder, *settings.listen, sign=sign)) as server:
        reporter.report(
            "log",
            f"claims are logged in {folder}, which has {entries} and is served at {server.url}:"
            f" `truestep audit-log {server.url}` checks it",
            entries=log.size,
            url=server.url,
        )
        yield opened
