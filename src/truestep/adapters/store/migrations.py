"""Migrates store files of older releases: one function per version, in order.

Transactions are always kept, because bonds may depend on them. What the chain can tell again may be dropped.
"""

import sqlite3
from collections.abc import Callable
from json import loads
from typing import Any

from truestep.adapters.store.scoped import UNKNOWN, scoped_table
from truestep.base.ids import Address, Bytes32, JobId, ProgramId, TaskId, job_of_task, shard_of_task
from truestep.protocol.records import JobRecord, ProgramRecord

Migration = Callable[[sqlite3.Connection], None]
"""Runs in a transaction, which its caller commits or rolls back."""


def separate_scopes(connection: sqlite3.Connection) -> None:
    """Version 1 to 2: every table belongs to a deployment, and keys of runs include the maximum cycles.

    A file of version 1 does not say which deployment it was for, so its rows go into the scope `unknown`.
    Events and checkpoints are dropped: they have another form now and are read again from the chain.
    """
    maximums = _maximums(connection)
    for name, row in connection.execute("SELECT key, value FROM entry WHERE collection = 'runs'").fetchall():
        connection.execute("DELETE FROM entry WHERE collection = 'runs' AND key = ?", (name,))
        for max_cycles in maximums.get(name, ()):
            key = f"{name}-{max_cycles}"
            connection.execute("INSERT OR REPLACE INTO entry VALUES ('runs', ?, ?)", (key, row))
    connection.execute("DELETE FROM entry WHERE collection IN ('events', 'checkpoints')")
    tables = connection.execute("SELECT DISTINCT collection FROM entry").fetchall()
    for (table,) in tables:
        renamed = (scoped_table(UNKNOWN, table), table)
        connection.execute("UPDATE entry SET collection = ? WHERE collection = ?", renamed)


MIGRATIONS: tuple[Migration, ...] = (separate_scopes,)
"""Number n (from 0) migrates a file of version n + 1."""
SCHEMA_VERSION = 1 + len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Migrate a file to `SCHEMA_VERSION`, or leave it unchanged."""
    with connection:  # commits, or rolls back whatever went wrong
        connection.execute("BEGIN IMMEDIATE")
        for migration in MIGRATIONS[version - 1 :]:
            migration(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


# --- version 1 ----------------------------------------------------------------------------------------------


def _maximums(connection: sqlite3.Connection) -> dict[str, set[int]]:
    """The maximum cycles of the programs whose tasks begin with a state, by that state's hash in hex."""
    programs: dict[int, ProgramRecord] = {}
    jobs: dict[int, JobRecord] = {}
    found: dict[str, set[int]] = {}
    query = "SELECT value FROM entry WHERE collection = 'events' ORDER BY key"
    for (row,) in connection.execute(query):
        event = loads(row)
        if event["kind"] == "ProgramRegistered":
            programs[event["program_id"]] = _program(event)
        elif event["kind"] == "JobPosted" and event["program_id"] in programs:
            jobs[event["job_id"]] = _job(event, programs[event["program_id"]].max_cycles)
        elif event["kind"] == "TaskTaken":
            task_id = TaskId(event["task_id"])
            job = jobs.get(job_of_task(task_id))
            if job is not None:
                first = job.initial_state_hash(programs[job.program_id], shard_of_task(task_id))
                found.setdefault(first.hex(), set()).add(job.max_cycles)
    return found


def _program(event: dict[str, Any]) -> ProgramRecord:
    return ProgramRecord(
        program_id=ProgramId(event["program_id"]),
        image_root=_hash(event["image_root"]),
        entry=event["entry"],
        max_cycles=event["max_cycles"],
        digest=_hash(event["digest"]),
        owner=Address(event["owner"]),
        uri=event["uri"],
    )


def _job(event: dict[str, Any], max_cycles: int) -> JobRecord:
    return JobRecord(
        job_id=JobId(event["job_id"]),
        program_id=ProgramId(event["program_id"]),
        input_root=_hash(event["input_root"]),
        input_size=event["input_size"],
        input_uri=event["input_uri"],
        seed=_hash(event["seed"]),
        shard_count=event["shard_count"],
        reward_wei=event["reward_wei"],
        lease_seconds=event["lease_seconds"],
        deadline=event["deadline"],
        max_cycles=max_cycles,
        requester=Address(event["requester"]),
        final_count=0,
    )


def _hash(text: str) -> Bytes32:
    return Bytes32(bytes.fromhex(text.removeprefix("0x")))
