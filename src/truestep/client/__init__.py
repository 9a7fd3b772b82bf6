"""SDK: build, run, submit, watch, fetch, verify.

from pathlib import Path
from truestep.client import run

report = run(Path("prog.elf"), b"input")
if report.is_accepted:
    print(report.cycles, report.output)
"""

from truestep.client.client import Client, Order, build, run
from truestep.client.job import Job, JobStage, JobStatus, ShardResult
from truestep.client.receipt import Receipt, parse_receipt, read_receipt
from truestep.client.runs import RunReport
from truestep.client.verification import Check

__all__ = [
    "Check",
    "Client",
    "Job",
    "JobStage",
    "JobStatus",
    "Order",
    "Receipt",
    "RunReport",
    "ShardResult",
    "build",
    "parse_receipt",
    "read_receipt",
    "run",
]
