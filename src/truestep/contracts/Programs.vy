#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Programs: what workers may be asked to run (docs/protocol.md P1.1)
@license Apache-2.0
"""
from interfaces import IPrograms

implements: IPrograms


struct StoredProgram:
    image_root: bytes32
    digest: bytes32
    terms: uint256  # [ owner 160 | max_cycles 64 | entry 32 ]


event Registered:
    program_id: indexed(uint256)
    owner: indexed(address)
    image_root: bytes32
    entry: uint64
    max_cycles: uint64
    digest: bytes32
    uri: String[256]


CODE_END: constant(uint64) = 2**29
CYCLES_LIMIT: constant(uint64) = 2**48
# Eight rounds of bisection at arity 64; Disputes packs a cycle into 49 bits.

program_count: public(uint256)
programs: HashMap[uint256, StoredProgram]


@external
def register(
    image_root: bytes32, entry: uint64, max_cycles: uint64, digest: bytes32, uri: String[256]
) -> uint256:
    """
    @notice Register a program for ever.
    @param image_root Root of the image alone: node (26, 0) of the memory tree (machine M3.7).
    @param digest Digest of source and build.
    @param uri Where the ELF file is.
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
        | convert(max_cycles, uint256) << 32
        | convert(entry, uint256),
    )
    log Registered(
        program_id=program_id,
        owner=msg.sender,
        image_root=image_root,
        entry=entry,
        max_cycles=max_cycles,
        digest=digest,
        uri=uri,
    )
    return program_id


@external
@view
def get(program_id: uint256) -> IPrograms.Program:
    """
    @notice A registered program.
    """
    stored: StoredProgram = self.programs[program_id]
    assert stored.terms != 0, "unknown program"
    return IPrograms.Program(
        image_root=stored.image_root,
        entry=convert(stored.terms & (2**32 - 1), uint64),
        max_cycles=convert(stored.terms >> 32 & (2**64 - 1), uint64),
        digest=stored.digest,
        owner=convert(stored.terms >> 96, address),
    )
