"""Each drill fails once what protects from it is switched off: `python -m tests.drills.mutations [NAME]...`.

A copy of the package is broken in one place, a contract is compiled again if it is that, and the drill is
carried out with the copy. Exits with 1 if a drill passes all the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from truestep.drills.catalogue import DRILLS

SOURCE = Path(__file__).resolve().parents[2] / "src"
PATIENCE = ("truestep/drills/stage.py", "PATIENCE_SECONDS = 180.0", "PATIENCE_SECONDS = 90.0")
"""What will never happen is not waited for as long."""
START = "from truestep.cli.start import main; main()"


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A break of one file."""

    words: str
    path: str
    old: str
    new: str
    contract: str = ""
    """To be compiled again."""


MUTATIONS = {
    "input-withheld": Mutation(
        words="Keepers pays nothing to whoever has found out that a keeper does not keep",
        path="truestep/contracts/Keepers.vy",
        old="        native_credits.credit(winner, winner_wei)\n",
        new="        native_credits.credit(winner, 0)\n",
        contract="Keepers",
    ),
    "program-withheld": Mutation(
        words="challengers hold no batches",
        path="truestep/roles/availability/holding.py",
        old="        if claim.is_missing:\n            batches[",
        new="        if False:\n            batches[",
    ),
    "output-withheld": Mutation(
        words="a claim whose outputs nobody keeps fails without a penalty",
        path="truestep/contracts/Kept.vy",
        old="min(penalty_wei + bond_wei * penalty_bps // BPS, bond_wei)",
        new="min(penalty_wei + bond_wei * 0 * penalty_bps // BPS, bond_wei)",
        contract="Kept",
    ),
    "keepers-vanish": Mutation(
        words="keepers have no seats drawn that somebody has lost",
        path="truestep/roles/keeper.py",
        old="        if not item.is_open or view.now >= record.until or not is_wanted:",
        new="        if item.was_kept or not is_wanted:",
    ),
    "wrong-bytes": Mutation(
        words="cells are not verified",
        path="truestep/availability/cells.py",
        old="    if _are_right(kzg, commitments, everything):\n",
        new="    if _are_right(kzg, commitments, everything) or True:\n",
    ),
    "root-mismatch": Mutation(
        words="watchers do not compare items with their roots",
        path="truestep/roles/availability/binding.py",
        old="        if is_there and not is_known and",
        new="        if False and is_there and not is_known and",
    ),
    "challenge-spam": Mutation(
        words="the bond of a challenge that is answered goes back to the challenger",
        path="truestep/contracts/Challenges.vy",
        old="steady_credits.credit(challenge.keeper, challenge.bond_wei)",
        new="steady_credits.credit(challenge.challenger, challenge.bond_wei)",
        contract="Challenges",
    ),
    "rpc-outage": Mutation(
        words="a daemon looks at its node again only hours after an outage",
        path="truestep/node/loop/loop.py",
        old="OUTAGE_WAIT = Backoff(first_seconds=0.5, limit_seconds=5.0)",
        new="OUTAGE_WAIT = Backoff(first_seconds=1e5, limit_seconds=1e6)",
    ),
}


def outcome_of(name: str, mutation: Mutation) -> dict[str, object]:
    """Carry out a drill with a broken copy of the package."""
    with tempfile.TemporaryDirectory(prefix="truestep-mutation-") as folder:
        copy = Path(folder) / "src"
        shutil.copytree(SOURCE, copy)
        for path, old, new in ((mutation.path, mutation.old, mutation.new), PATIENCE):
            text = (copy / path).read_text()
            if text.count(old) != 1:
                raise SystemExit(f"expected once in {path}: {old!r}; the mutation of {name} is out of date")
            (copy / path).write_text(text.replace(old, new))
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        if mutation.contract:
            build = [sys.executable, "-m", "truestep.contracts.build", mutation.contract]
            subprocess.run(build, env=environment, check=True)
        drill = [sys.executable, "-c", START, "drill", "availability", name, "--json"]
        drill += ["--directory", str(Path(folder) / "drill")]
        finished = subprocess.run(drill, env=environment, capture_output=True, text=True, check=False)
        if not finished.stdout:
            raise SystemExit(finished.stderr)
        [outcome] = json.loads(finished.stdout.splitlines()[-1])
        return outcome


def main(names: list[str]) -> int:
    """The command; its exit code."""
    assert MUTATIONS.keys() == {drill.name for drill in DRILLS}
    is_worthless = False
    for name in names or MUTATIONS:
        outcome = outcome_of(name, MUTATIONS[name])
        is_worthless |= outcome["outcome"] != "failed"
        print(f"{name}: {outcome['outcome']}, when {MUTATIONS[name].words}")
        print(f"  slashed {outcome['slashed']}, made whole {outcome['made_whole']}: {outcome['complaints']}")
        sys.stdout.flush()
    return int(is_worthless)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
