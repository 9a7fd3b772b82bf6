#pragma version 0.4.3
"""
@title How Disputes packs its hot words
@notice Storage is not packed by the compiler, so the fields that change or are read together share a word.

clocks  [ price_wei 50 | rounds 8 | challenger_clock 28 | operator_clock 28 | moved_at 40 |
          high 49 | low 49 | is_micro 1 | stage 3 ]
          in a micro-run (machine M9.6) low is the state number n of its instruction and high
          [ 0 20 | rd 5 | high's step 12 | low's step 12 ]; step 0 of high: not revealed, it is state n + 1
links   [ newer 23 | older 23 | challenger 160 ]
claim   [ is_struck 1 | opened 23 | last 23 | first 23 | open_count 23 | operator 160 ]
"""

MASK3: constant(uint256) = 2**3 - 1
MASK5: constant(uint256) = 2**5 - 1
MASK8: constant(uint256) = 2**8 - 1
MASK12: constant(uint256) = 2**12 - 1
MASK23: constant(uint256) = 2**23 - 1
MASK28: constant(uint256) = 2**28 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK49: constant(uint256) = 2**49 - 1
MASK160: constant(uint256) = 2**160 - 1

MICRO_RUN: constant(uint256) = 2**63  # in the number of a state that belongs to one
IS_MICRO: constant(uint256) = 2**3


struct Clocks:
    stage: uint256
    low: uint256  # state numbers (machine M9.6)
    high: uint256
    rd: uint256  # of the instruction whose micro-run it is about
    moved_at: uint256
    operator_clock_seconds: uint256
    challenger_clock_seconds: uint256
    rounds: uint256  # picks made
    price_wei: uint256  # of a unit of gas: the lowest at the game's moves


struct Links:
    challenger: address
    older: uint256  # ordinals of the open games next to this one; 0: none
    newer: uint256


struct Claim:
    operator: address
    open_count: uint256
    first: uint256  # ordinals of the oldest and the newest open game; 0: none
    last: uint256
    opened: uint256  # games ever opened
    is_struck: bool


@internal
@pure
def is_micro(number: uint256) -> bool:
    """
    @notice Whether a state number belongs to a micro-run.
    """
    return number >= MICRO_RUN


@internal
@pure
def micro_start(number: uint256) -> uint256:
    """
    @notice The number of the first state of the micro-run of the instruction that state `number` executes.
    """
    return MICRO_RUN | number << 12


@internal
@pure
def pack_clocks(clocks: Clocks) -> uint256:
    interval: uint256 = clocks.high << 49 | clocks.low
    is_in_micro_run: uint256 = 0
    if clocks.low >= MICRO_RUN:
        is_in_micro_run = IS_MICRO
        steps: uint256 = clocks.rd << 24 | clocks.low & MASK12
        if clocks.high >= MICRO_RUN:
            steps |= (clocks.high & MASK12) << 12
        interval = steps << 49 | (clocks.low ^ MICRO_RUN) >> 12
    return (
        clocks.price_wei << 206
        | clocks.rounds << 198
        | clocks.challenger_clock_seconds << 170
        | clocks.operator_clock_seconds << 142
        | clocks.moved_at << 102
        | interval << 4
        | is_in_micro_run
        | clocks.stage
    )


@internal
@pure
def unpack_clocks(word: uint256) -> Clocks:
    clocks: Clocks = Clocks(
        stage=word & MASK3,
        low=word >> 4 & MASK49,
        high=word >> 53 & MASK49,
        rd=0,
        moved_at=word >> 102 & MASK40,
        operator_clock_seconds=word >> 142 & MASK28,
        challenger_clock_seconds=word >> 170 & MASK28,
        rounds=word >> 198 & MASK8,
        price_wei=word >> 206,
    )
    if word & IS_MICRO != 0:
        first: uint256 = self.micro_start(clocks.low)
        high_step: uint256 = clocks.high >> 12 & MASK12
        clocks.rd = clocks.high >> 24 & MASK5
        clocks.high = clocks.low + 1 if high_step == 0 else first | high_step
        clocks.low = first | word >> 53 & MASK12
    return clocks


@internal
@pure
def pack_links(links: Links) -> uint256:
    return links.newer << 183 | links.older << 160 | convert(links.challenger, uint256)


@internal
@pure
def unpack_links(word: uint256) -> Links:
    return Links(
        challenger=convert(word & MASK160, address),
        older=word >> 160 & MASK23,
        newer=word >> 183,
    )


@internal
@pure
def pack_claim(claim: Claim) -> uint256:
    return (
        convert(claim.is_struck, uint256) << 252
        | claim.opened << 229
        | claim.last << 206
        | claim.first << 183
        | claim.open_count << 160
        | convert(claim.operator, uint256)
    )


@internal
@pure
def unpack_claim(word: uint256) -> Claim:
    return Claim(
        operator=convert(word & MASK160, address),
        open_count=word >> 160 & MASK23,
        first=word >> 183 & MASK23,
        last=word >> 206 & MASK23,
        opened=word >> 229 & MASK23,
        is_struck=word >> 252 != 0,
    )
