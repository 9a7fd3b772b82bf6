#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Programs: what can be run, by number (docs/protocol.md S1.1)
@license Apache-2.0
"""
from interfaces import IPrograms

implements: IPrograms


struct StoredProgram:
    image_root: bytes32
    digest: bytes32
    terms: uint256  # [ owner 160 | workload 16 | max_cycles 48 less 1 | entry 29, rounded up to 32 ]


CODE_END: constant(uint64) = 2**29
CYCLES_LIMIT: constant(uint64) = 2**48
# Eight rounds of bisection at arity 64; a cycle is packed into 49 bits.

program_count: public(uint256)
programs: HashMap[uint256, StoredProgram]


@external
def register(
    image_root: bytes32,
    entry: uint64,
    max_cycles: uint64,
    workload: uint16,
    digest: bytes32,
    uri: String[256],
) -> uint256:
    """
    @notice Register a program for ever. Not permissioned: the chain checks nothing of what it computes.
    @param workload The class of its inputs and outputs; 0 if it has none.
    @return The program's number, from 1.
    """
    assert entry < CODE_END and entry % 4 == 0, "entry is not a code address"
    assert max_cycles != 0 and max_cycles <= CYCLES_LIMIT, "maximum cycles out of bounds"
    program_id: uint256 = self.program_count + 1
    self.program_count = program_id
    self.programs[program_id] = StoredProgram(
        image_root=image_root,
        digest=digest,
        terms=convert(msg.sender, uint256) << 96
        | convert(workload, uint256) << 80
        | convert(max_cycles - 1, uint256) << 32
        | convert(entry, uint256),
    )
    log IPrograms.Registered(
        program_id=program_id,
        owner=msg.sender,
        image_root=image_root,
        entry=entry,
        max_cycles=max_cycles,
        workload=workload,
        digest=digest,
        uri=uri,
    )
    return program_id


@external
@view
def get(program_id: uint256) -> IPrograms.Program:
    """
    @notice A registered program. Refuses an unknown one.
    """
    stored: StoredProgram = self.programs[program_id]
    assert stored.terms != 0, "unknown program"
    return IPrograms.Program(
        image_root=stored.image_root,
        entry=convert(stored.terms & (2**32 - 1), uint64),
        max_cycles=convert((stored.terms >> 32 & (2**48 - 1)) + 1, uint64),
        workload=convert(stored.terms >> 80 & (2**16 - 1), uint16),
        digest=stored.digest,
        owner=convert(stored.terms >> 96, address),
    )
