"""SDK: build, run, submit, watch, fetch, verify.

On this computer alone:

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

Anything may fail in three ways: `Rejected` (your input, or the chain's refusal), `Unavailable` (the world:
try again), `Bug` (ours). All say what was expected, what was got and what to do.
"""

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.client.client import Client, Order, build, run
from truestep.client.job import Job, JobStage, JobStatus, ShardResult
from truestep.client.receipt import Receipt, parse_receipt, read_receipt
from truestep.client.runs import RunReport
from truestep.client.verification import Check

__all__ = [
    "Bug",
    "Check",
    "Client",
    "Job",
    "JobStage",
    "JobStatus",
    "Order",
    "Receipt",
    "Rejected",
    "RunReport",
    "ShardResult",
    "Unavailable",
    "build",
    "parse_receipt",
    "read_receipt",
    "run",
]
