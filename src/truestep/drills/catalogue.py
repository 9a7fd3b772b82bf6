"""Which drills there are."""

from collections.abc import Callable
from dataclasses import dataclass

from truestep.drills.scenes.input_withheld import input_withheld
from truestep.drills.scenes.mismatch import mismatch
from truestep.drills.scenes.outage import outage
from truestep.drills.scenes.output_withheld import output_withheld
from truestep.drills.scenes.program_withheld import program_withheld
from truestep.drills.scenes.spam import spam
from truestep.drills.scenes.vanishing import vanishing
from truestep.drills.scenes.wrong_bytes import wrong_bytes
from truestep.drills.stage import Stage
from truestep.drills.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """An attack or an outage."""

    name: str
    words: str
    """What goes wrong, for people."""
    play: Callable[[Stage], Verdict]


DRILLS = (
    Drill(name="input-withheld", words="a requester lets nobody have the input", play=input_withheld),
    Drill(
        name="program-withheld",
        words="a program is withheld to hide a lie",
        play=program_withheld,
    ),
    Drill(name="output-withheld", words="an operator lets nobody have the output", play=output_withheld),
    Drill(name="keepers-vanish", words="a third, then half of the keepers vanish", play=vanishing),
    Drill(name="wrong-bytes", words="a keeper serves wrong bytes", play=wrong_bytes),
    Drill(name="root-mismatch", words="commitments hold other bytes than the root says", play=mismatch),
    Drill(name="challenge-spam", words="somebody floods a job's outputs with challenges", play=spam),
    Drill(name="rpc-outage", words="a keeper's node is down while it is challenged", play=outage),
)
