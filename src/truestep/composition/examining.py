"""Looks at everything that a daemon depends on, before it is started. Nothing is sent or changed."""

import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.keystore import keystore_address
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address
from truestep.base.text import counted, one_line
from truestep.base.units import coins, duration
from truestep.composition.network import open_reader
from truestep.composition.state import found_state
from truestep.composition.trial import differs_at
from truestep.ports.chain import ChainReader
from truestep.ports.engine import Engine

SKEW_SECONDS = 30
"""A block's time may be ahead of an honest clock by a slot or two."""
OLD_SECONDS = 120
"""Blocks come every few seconds on the chains that this is for."""
DISK_BYTES = 2 << 30
"""Inputs and outputs of some tasks, and the history."""
GAS_WEI = 10**16
"""Some dozens of transactions at common prices."""
STORE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, what was found, and what to do if that is wrong."""

    subject: str
    is_good: bool
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a daemon would be started with."""

    role: str
    rpc: Sequence[str]
    deployment: Deployment
    blobs: Sequence[str]
    state_dir: Path
    store: str | None
    """The URI of its state in PostgreSQL."""
    keystore: Path
    password_file: Path | None
    operator: Address | None
    engine: Engine
    stake_wei: int = 0
    """What the daemon deposits as it starts, if less is there."""
    on_unknown_code: Callable[[str], None] | None = None


def examine(examined: Examined) -> Iterator[Finding]:
    """All findings, as they are made."""
    reader: ChainReader | None = None
    for url in examined.rpc:
        found = _node(url, examined)
        if isinstance(found, Finding):
            yield found
            continue
        reader = reader or found
        yield from _head(url, found)
    if len(examined.rpc) == 1:
        remedy = "repeat --rpc: a daemon whose only node is down misses its moves"
        yield Finding(subject="spare node", is_good=True, found="none", remedy=remedy)
    yield from map(_store, examined.blobs)
    yield _disk(examined.state_dir)
    yield _state(examined)
    account = _account(examined.keystore)
    if isinstance(account, Finding):
        yield account
    else:
        yield Finding(subject="keystore", is_good=True, found=f"of {account}")
        if reader is not None:
            yield from _coins(examined, reader, account)
    yield _password(examined.password_file)
    yield _engine(examined.engine)


def _node(url: str, examined: Examined) -> "Finding | ChainReader":
    subject = f"node {url}"
    try:
        return open_reader([url], examined.deployment, examined.on_unknown_code)
    except (Unavailable, Rejected) as error:
        remedy = "check the URL and that the node runs, or name another with --rpc"
        return Finding(subject=subject, is_good=False, found=one_line(str(error)), remedy=remedy)


def _head(url: str, reader: ChainReader) -> Iterator[Finding]:
    subject = f"node {url}"
    try:
        head = reader.head()
    except (Unavailable, Rejected) as error:
        yield Finding(subject=subject, is_good=False, found=one_line(str(error)), remedy="try again")
        return
    yield Finding(subject=subject, is_good=True, found=f"right chain and contracts, block {head.number}")
    age = int(time.time()) - head.time_seconds
    if age < -SKEW_SECONDS:
        found = f"this computer's clock is {duration(-age)} behind the newest block"
        yield Finding(subject="clock", is_good=False, found=found, remedy="set it by NTP")
    elif age > OLD_SECONDS:
        remedy = "compare with another node: this one lags, or this computer's clock is ahead (NTP)"
        yield Finding(
            subject="clock", is_good=False, found=f"the newest block is {duration(age)} old", remedy=remedy
        )
    else:
        yield Finding(subject="clock", is_good=True, found="agrees with the newest block")


def _store(place: str) -> Finding:
    subject = f"blob store {place}"
    if "://" not in place:
        is_there = Path(place).is_dir() or Path(place).parent.is_dir()
        remedy = "" if is_there else "name an existing directory, or a URL, with --blobs"
        found = "a directory" if is_there else "no directory"
        return Finding(subject=subject, is_good=is_there, found=found, remedy=remedy)
    try:
        status = httpx.get(place, timeout=STORE_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        remedy = "check the URL and that the store runs, or name another with --blobs"
        found = one_line(str(error) or repr(error))
        return Finding(subject=subject, is_good=False, found=found, remedy=remedy)
    is_good = status < 500
    remedy = "" if is_good else "see the store's log, or name another with --blobs"
    return Finding(subject=subject, is_good=is_good, found=f"answers (HTTP {status})", remedy=remedy)


def _disk(state_dir: Path) -> Finding:
    place = next(each for each in (state_dir.absolute(), *state_dir.absolute().parents) if each.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / (1 << 30):,.1f} GiB free at {place}"
    if not os.access(place, os.W_OK):
        remedy = "give this user the right to write there, or choose another --state-dir"
        return Finding(subject="disk", is_good=False, found=f"{place} cannot be written", remedy=remedy)
    remedy = "" if free >= DISK_BYTES else f"make room: at least {DISK_BYTES >> 30} GiB"
    return Finding(subject="disk", is_good=free >= DISK_BYTES, found=found, remedy=remedy)


def _state(examined: Examined) -> Finding:
    """The store of its state, which a daemon may have open."""
    subject = "state"
    try:
        found = found_state(examined.state_dir, examined.store)
    except (Unavailable, Rejected) as error:
        remedy = "see *State in PostgreSQL* in docs/operating.md" if examined.store else "see the message"
        return Finding(subject=subject, is_good=False, found=one_line(str(error)), remedy=remedy)
    return Finding(subject=subject, is_good=True, found=found)


def _account(keystore: Path) -> "Finding | Address":
    try:
        return keystore_address(keystore)
    except FileNotFoundError:
        found, remedy = f"there is no file {keystore}", f"truestep account new {shlex.quote(str(keystore))}"
    except OSError as error:
        found, remedy = f"{keystore}: {error.strerror}", "let this user read the file, or name another one"
    except Rejected as error:
        found, remedy = one_line(str(error)), "name another file with --keystore"
    return Finding(subject="keystore", is_good=False, found=found, remedy=remedy)


def _password(file: Path | None) -> Finding:
    if file is None:
        return Finding(subject="password", is_good=True, found="asked for at the start")
    if not os.access(file, os.R_OK):
        remedy = "write it there, readable by this user alone"
        return Finding(subject="password", is_good=False, found=f"{file} cannot be read", remedy=remedy)
    if file.stat().st_mode & 0o077:
        return Finding(
            subject="password", is_good=False, found=f"others can read {file}", remedy=f"chmod 600 {file}"
        )
    return Finding(subject="password", is_good=True, found=f"in {file}")


def _coins(examined: Examined, reader: ChainReader, account: Address) -> Iterator[Finding]:
    try:
        parameters, balances = reader.parameters(), reader.balances(account)
        stakes = reader.balances(examined.operator or account)
    except (Unavailable, Rejected) as error:
        yield Finding(subject="coins", is_good=False, found=one_line(str(error)), remedy="try again")
        return
    least_wei = GAS_WEI + (parameters.challenger_bond_wei if examined.role == "challenger" else 0)
    remedy = "" if balances.wallet_wei >= least_wei else f"send at least {coins(least_wei)} to {account}"
    yield Finding(subject="wallet", is_good=not remedy, found=coins(balances.wallet_wei), remedy=remedy)
    if examined.role != "worker":
        return
    bond_wei = parameters.operator_bond_wei
    tasks = stakes.lockable_wei // bond_wei
    found = f"{coins(stakes.stake_wei)}, {coins(stakes.lockable_wei)} of it free for {counted(tasks, 'task')}"
    coming_wei = max(examined.stake_wei - stakes.stake_wei, 0)
    if coming_wei:
        found += f"; the start deposits {coins(coming_wei)} more"
    is_enough = stakes.stake_wei + coming_wei >= bond_wei
    remedy = "" if is_enough else f"start with --stake: a task locks {coins(bond_wei)}"
    if coming_wei + GAS_WEI > balances.wallet_wei:
        is_enough, remedy = False, f"send {coins(coming_wei + GAS_WEI - balances.wallet_wei)} to {account}"
    yield Finding(subject="stake", is_good=is_enough, found=found, remedy=remedy)


def _engine(engine: Engine) -> Finding:
    cycle = differs_at(engine)
    if cycle is None:
        return Finding(subject="engine", is_good=True, found="computes as the reference machine does")
    return Finding(
        subject="engine",
        is_good=False,
        found=f"differs from the reference machine at cycle {cycle:,}",
        remedy="do not stake coins on this computer: test its memory and processor, and report this",
    )
