#pragma version 0.4.3
"""
@title Groth16 proofs over BN254, with the precompiles of EIP-196 and EIP-197 (docs/receipts.md R2)
@notice The equation is e(A, B) = e(alpha, beta) e(total, gamma) e(C, delta). What the key holds is negated once,
        at deployment, so that a check multiplies four pairings and compares with one.
"""

FIELD: constant(uint256) = 21888242871839275222246405745257275088696311157297823662689037894645226208583
ORDER: constant(uint256) = 21888242871839275222246405745257275088548364400416034343698204186575808495617
PROOF_SIZE_BYTES: constant(uint256) = 256
PAIRING: constant(address) = 0x0000000000000000000000000000000000000008
PAIRING_GAS: constant(uint256) = 400_000
# It takes 181,000. The rest is for chains that price it higher; points off the curve burn all of it.

struct Key:
    alpha: uint256[2]
    beta: uint256[4]
    gamma: uint256[4]
    delta: uint256[4]
    inputs: uint256[2][6]

alpha: immutable(uint256[2])
beta: immutable(uint256[4])
gamma: immutable(uint256[4])
delta: immutable(uint256[4])


@deploy
def __init__(key: Key):
    """
    @notice Take a key whose numbers are points. Its digest may not say so: compressed points leave out most of y.
    """
    assert self._has_points(key), "key is not the published one"
    alpha = [key.alpha[0], FIELD - key.alpha[1]]
    beta = key.beta
    gamma = self.negated(key.gamma)
    delta = self.negated(key.delta)


@internal
@pure
def negated(point: uint256[4]) -> uint256[4]:
    """
    @notice Minus a point of the second group.
    """
    return [point[0], point[1], (FIELD - point[2]) % FIELD, (FIELD - point[3]) % FIELD]


@internal
@view
def _has_points(key: Key) -> bool:
    """
    @notice Let the precompile look at every point, in pairings with infinity: their product is one.
    """
    nowhere: uint256[2] = empty(uint256[2])
    nowhere_second: uint256[4] = empty(uint256[4])
    pairs: Bytes[1920] = concat(
        abi_encode(nowhere, key.beta, nowhere, key.gamma, nowhere, key.delta, key.alpha, nowhere_second),
        abi_encode(key.inputs[0], nowhere_second, key.inputs[1], nowhere_second, key.inputs[2], nowhere_second),
        abi_encode(key.inputs[3], nowhere_second, key.inputs[4], nowhere_second, key.inputs[5], nowhere_second),
    )
    is_decided: bool = False
    answer: Bytes[32] = b""
    is_decided, answer = raw_call(PAIRING, pairs, max_outsize=32, is_static_call=True, revert_on_failure=False)
    return is_decided and len(answer) == 32


@internal
@view
def plus(total: uint256[2], point: uint256[2], scalar: uint256) -> uint256[2]:
    """
    @notice The sum of public inputs with one more. Reverts when it has too little gas.
    """
    assert scalar < ORDER, "proof: input above the order"
    return ecadd(total, ecmul(point, scalar))


@internal
@view
def holds(proof: Bytes[PROOF_SIZE_BYTES], total: uint256[2]) -> bool:
    """
    @notice Whether the equation holds. False is a sure no: what cannot be decided reverts.
    @param proof The points A, B and C, as the precompile reads them.
    @param total The sum of the public inputs.
    """
    assert len(proof) == PROOF_SIZE_BYTES, "proof: length"
    is_decided: bool = False
    answer: Bytes[32] = b""
    is_decided, answer = raw_call(
        PAIRING,
        concat(proof, abi_encode(delta, alpha, beta, total, gamma)),
        max_outsize=32,
        gas=PAIRING_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    # The precompile fails for points off their curve as for lack of gas, and a chain without it answers nothing.
    assert is_decided and len(answer) == 32, "proof: not points, or no gas"
    return convert(answer, uint256) == 1
