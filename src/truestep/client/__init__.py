"""SDK: build, run, submit, watch, fetch, verify.

On this computer only:

    from pathlib import Path
    from truestep.client import build, run

    build([Path("hello.c")], Path("hello.elf"))
    report = run(Path("hello.elf"), b"hello")
    assert report.is_accepted and report.output == b"HELLO"
    print(report.cycles, "instructions")

On a network, such as the one of `truestep devnet`:

    from pathlib import Path
    from truestep.client import Client, Order

    client = Client.connect(
        rpc="http://127.0.0.1:8545",
        deployment=Path("devnet/deployment.json"),
        blobs="http://127.0.0.1:8545/blobs",
        keystore=Path("devnet/requester.json"),
        password="truestep",
    )
    order = Order(shard_count=2, reward_wei=10**16, max_cycles=1 << 20)
    job = client.submit(Path("hello.elf"), b"hello", order=order)
    job.wait(on_event=print)
    print([shard.output for shard in job.outputs()])
    job.receipt().write(Path("receipt.json"))

A posted job can still be changed: `job.top_up(client.chain, 10**15)`, `job.close(client.chain)`,
`job.reclaim(client.chain)`. `job.evidence(0)` is the proof of shard 0 for a contract, and
`job.write_out(client.chain)` is for contracts that take none. An order with `reducer_of` is a job whose input
is the outputs of another; `job.feed(client.chain)` gives it these. `client.withdraw()` takes what the
contracts owe the account, `client.deposit`, `client.withdraw_stake` and `client.set_delegate` are for
operators.

`Order(availability=Availability.KEEPERS)` has program and input kept by keepers before the job is posted
(docs/data.md); `keeping=KeepingTerms(url=..., fee_wei=...)` says what they are offered.

Every call can fail in three ways: `Rejected` (your input is bad, or the chain refuses it), `Unavailable`
(something outside failed: try again) and `Bug` (an error of ours). Each message says what was expected, what
was got and what to do.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truestep.base.errors import Bug as Bug
    from truestep.base.errors import Rejected as Rejected
    from truestep.base.errors import Unavailable as Unavailable
    from truestep.client.client import Client as Client
    from truestep.client.client import build as build
    from truestep.client.client import run as run
    from truestep.client.debug import DebugOutput as DebugOutput
    from truestep.client.job import Job as Job
    from truestep.client.job import ShardResult as ShardResult
    from truestep.client.job_status import JobStage as JobStage
    from truestep.client.job_status import JobStatus as JobStatus
    from truestep.client.keeping import KeepingTerms as KeepingTerms
    from truestep.client.orders import Order as Order
    from truestep.client.receipt import Receipt as Receipt
    from truestep.client.receipt import parse_receipt as parse_receipt
    from truestep.client.receipt import read_receipt as read_receipt
    from truestep.client.runs import RunReport as RunReport
    from truestep.client.stakes import Withdrawn as Withdrawn
    from truestep.client.supplies import Availability as Availability
    from truestep.client.verification import Check as Check
    from truestep.protocol.settlement.ids import Role as Role

_PLACES = {
    "truestep.base.errors": ("Bug", "Rejected", "Unavailable"),
    "truestep.client.client": ("Client", "build", "run"),
    "truestep.client.debug": ("DebugOutput",),
    "truestep.client.job": ("Job", "ShardResult"),
    "truestep.client.job_status": ("JobStage", "JobStatus"),
    "truestep.client.keeping": ("KeepingTerms",),
    "truestep.client.orders": ("Order",),
    "truestep.client.receipt": ("Receipt", "parse_receipt", "read_receipt"),
    "truestep.client.runs": ("RunReport",),
    "truestep.client.stakes": ("Withdrawn",),
    "truestep.client.supplies": ("Availability",),
    "truestep.client.verification": ("Check",),
    "truestep.protocol.settlement.ids": ("Role",),
}
"""The module of each name, imported on first use: a build or a local run needs no network code."""


def __getattr__(name: str) -> object:
    for module, names in _PLACES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *(name for names in _PLACES.values() for name in names)])
