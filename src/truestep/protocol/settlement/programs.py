"""Programs and parameter sets: what is registered by number (docs/protocol.md S1.1, S2)."""

from functools import lru_cache

from truestep.base.errors import Reject
from truestep.base.ids import Bytes32, ProgramId
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.contracts.parameters import Add, Added
from truestep.protocol.settlement.contracts.programs import Register, Registered
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.parameters import SETS_LIMIT, check_parameters
from truestep.protocol.settlement.records import Program
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import Turn

CODE_END = 2**29
CYCLES_LIMIT = 2**48
PROGRAMS_KEPT = 2**10
"""Names of programs: most jobs are of a few."""


@lru_cache(maxsize=PROGRAMS_KEPT)
def named_program(image_root: Bytes32, entry: int, max_cycles: int) -> Bytes32:
    """What a program is, with the most cycles that a run of it may take (S3.1)."""
    return keccak256(encode(image_root, entry, max_cycles))


def register(turn: Turn, call: Register) -> None:
    """Register a program for ever (S1.1)."""
    require(call.entry < CODE_END and call.entry % 4 == 0, Reject.PROGRAM_ENTRY)
    require(0 < call.max_cycles <= CYCLES_LIMIT, Reject.PROGRAM_CYCLES)
    program = Program(
        image_root=call.image_root,
        entry=call.entry,
        max_cycles=call.max_cycles,
        workload=call.workload,
        digest=call.digest,
        owner=turn.message.sender,
    )
    turn.change(programs=(*turn.state.programs, program))
    turn.emit(
        Registered(
            program_id=ProgramId(len(turn.state.programs)),
            owner=program.owner,
            image_root=call.image_root,
            entry=call.entry,
            max_cycles=call.max_cycles,
            workload=call.workload,
            digest=call.digest,
            uri=call.uri,
        )
    )


def add(turn: Turn, call: Add) -> None:
    """Add a parameter set, by the owner (S2.4)."""
    require(turn.message.sender == turn.state.deployment.owner, Reject.NOT_OWNER)
    require(call.parameters_id == len(turn.state.parameters) + 1, Reject.NUMBER_NOT_NEXT)
    check_parameters(call.parameters)
    parameters_id = len(turn.state.parameters) + 1
    require(parameters_id <= SETS_LIMIT, Reject.PARAMETERS_LIMIT)
    turn.change(parameters=(*turn.state.parameters, call.parameters))
    turn.emit(Added(parameters_id=parameters_id, parameters=call.parameters))
