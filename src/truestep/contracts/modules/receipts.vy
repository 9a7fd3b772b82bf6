#pragma version 0.4.3
"""
@title Receipts of keepers, by EIP-712 (docs/availability.md A3.3)
"""

# keccak256 of "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
# "truestep availability", "1", and "Receipt(bytes32 itemDigest,uint256 seat,uint256 drawnAt)"
DOMAIN_TYPE: constant(bytes32) = 0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f
DOMAIN_NAME: constant(bytes32) = 0xcb282174b46b640d5335dfcc374a42fca52aa3b95ff54ca307cda7827123e47d
DOMAIN_VERSION: constant(bytes32) = 0xc89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6
RECEIPT_TYPE: constant(bytes32) = 0x567c1befbdc3227a59ad89d0e08059e580087ec611071afe0bc0a639421b8ff1


@internal
@view
def hash_of(digest: bytes32, index: uint256, drawn_at: uint256) -> bytes32:
    """
    @notice What a keeper signs for a seat.
    """
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, chain.id, self)
    )
    receipt: bytes32 = keccak256(abi_encode(RECEIPT_TYPE, digest, index, drawn_at))
    return keccak256(concat(0x1901, domain, receipt))


@internal
@pure
def signer_of(hash: bytes32, signature: Bytes[65]) -> address:
    """
    @notice Who signed; zero, which is nobody's signer, if the signature is of no key.
    """
    if len(signature) != 65:
        return empty(address)
    return ecrecover(
        hash,
        convert(slice(signature, 64, 1), uint256),
        extract32(signature, 0),
        extract32(signature, 32),
    )
