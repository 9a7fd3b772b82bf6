"""Migrates store files of older releases: one function per version, in order.

Transactions are always kept, because bonds may depend on them. What the chain can tell again may be dropped.
"""

import sqlite3
from collections.abc import Callable
from json import loads
from typing import Any

from truestep.adapters.store.scoped import UNKNOWN, scoped_table
from truestep.base.ids import Bytes32, TaskId, job_of_task, shard_of_task
from truestep.machine.program import initial_memory_root
from truestep.machine.state import initial_state

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
    programs: dict[int, dict[str, Any]] = {}
    jobs: dict[int, dict[str, Any]] = {}
    found: dict[str, set[int]] = {}
    query = "SELECT value FROM entry WHERE collection = 'events' ORDER BY key"
    for (row,) in connection.execute(query):
        event = loads(row)
        if event["kind"] == "ProgramRegistered":
            programs[event["program_id"]] = event
        elif event["kind"] == "JobPosted" and event["program_id"] in programs:
            jobs[event["job_id"]] = event
        elif event["kind"] == "TaskTaken":
            task_id = TaskId(event["task_id"])
            job = jobs.get(job_of_task(task_id))
            if job is not None:
                program = programs[job["program_id"]]
                first = _first_state(program, job, shard_of_task(task_id))
                found.setdefault(first.hex(), set()).add(program["max_cycles"])
    return found


def _first_state(program: dict[str, Any], job: dict[str, Any], shard_index: int) -> Bytes32:
    """The hash of a run's first state (machine M3.5)."""
    counts = (job["input_size"], shard_index, job["shard_count"], 0)
    header = _hash(job["seed"]) + b"".join(count.to_bytes(8, "little") for count in counts)
    root = initial_memory_root(_hash(program["image_root"]), header, _hash(job["input_root"]))
    return initial_state(memory_root=root, entry=program["entry"]).hash()


def _hash(text: str) -> Bytes32:
    return Bytes32(bytes.fromhex(text.removeprefix("0x")))
