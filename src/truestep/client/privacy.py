"""What others get to see of a job, and who must let them, in words (docs/privacy.md, docs/data.md)."""

from truestep.availability.leaves import PAIR_SIZE_BYTES
from truestep.availability.parts import BLOB_PAYLOAD_BYTES, ELEMENT_PAYLOAD_BYTES
from truestep.client.supplies import Availability
from truestep.commitments.merkle import LEAF_SIZE_BYTES
from truestep.protocol.availability.kept import DAY_SECONDS, OUTPUT_SECONDS

SHOWN_REGISTERS = 31
"""All but the one that is always 0 (M2.2)."""
SHOWN_LEAVES_BYTES = 64 * LEAF_SIZE_BYTES
"""The last answer to a demand (A4.6)."""
RELIES_ON = (
    "no keeper has to answer for blobs: daemons that read a consensus node (--beacon) answer whoever doubts"
    " an item, because that is paid; if none of them does so in time, the item is struck, its bond is lost,"
    " and results that depend on it may fall"
)
STEP_MEMORY_BYTES = 2 * PAIR_SIZE_BYTES
"""A load or store touches at most two leaves, and the path to each shows its neighbour (M6)."""


def privacy_notice(availability: Availability) -> tuple[str, ...]:
    """What a job discloses: at once, in a dispute, and, if its bytes are in items, to whoever doubts one."""
    shown = (
        "everybody can read the program, the input and the outputs, or else nobody could check the result",
        f"a dispute also writes to the chain, for ever: the {SHOWN_REGISTERS} registers of one step, up to"
        f" {STEP_MEMORY_BYTES} bytes of what the run had in memory, and hashes of the rest",
    )
    match availability:
        case Availability.KEEPERS:
            return (
                *shown,
                f"a challenge of a keeper writes {ELEMENT_PAYLOAD_BYTES} bytes of program, input or outputs"
                f" to the chain, or a blob of {BLOB_PAYLOAD_BYTES:,}",
                "keepers keep program and input for as long as the job may need them, or as --keep-for says,"
                f" and outputs for {OUTPUT_SECONDS // DAY_SECONDS} days beyond the window; then they drop"
                " them and sign for it (`truestep deletions`). Outputs that are small may be written to the"
                " chain, for ever",
            )
        case Availability.CALLDATA:
            return (
                *shown,
                "program and input stay on the chain for ever, and so may outputs that are small: nobody can"
                " delete them",
            )
        case Availability.BLOB:
            return (
                *shown,
                "the chain's nodes forget blobs after some 18 days, but anybody may keep copies; whoever"
                f" doubts what an item holds has {SHOWN_LEAVES_BYTES:,} bytes of it written to the chain",
            )
        case _:
            return shown


def availability_notice(availability: Availability) -> tuple[str, ...]:
    """What follows from who has to keep a job's data, said before any coins move."""
    if availability is Availability.NONE:
        return (
            "nobody has to keep program, input and outputs: while they cannot be had, a false result cannot"
            " be disputed and becomes final. For results that others rely on, choose another --availability",
        )
    holder = "keepers have" if availability is Availability.KEEPERS else "the chain has"
    taken = (
        f"nobody can take the job before {holder} program and input, and no result becomes final while nobody"
        " has to keep its outputs"
    )
    return (taken, RELIES_ON) if availability is Availability.BLOB else (taken,)
