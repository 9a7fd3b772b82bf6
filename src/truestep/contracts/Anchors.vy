#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Anchors: logs of operators, their roots on the chain, and what contradicting oneself costs (docs/logs.md L4 to L6)
@license Apache-2.0
"""
from interfaces import IAnchors
from interfaces import IOperators
from modules import bls
from modules import coins
from modules import log_trees
from modules import native_credits

initializes: coins
initializes: native_credits
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)

GROUP_SIZE: constant(uint256) = 256
# Logs whose bits are one word.
LISTED_LIMIT: constant(uint256) = 128
# Of a group either those who sign or those who do not are at most half.
SIZE_LIMIT: constant(uint256) = 2**63
EXIT_MAX_SECONDS: constant(uint256) = 365 * 86_400
EPOCH_MIN_SECONDS: constant(uint256) = 600
EPOCH_MAX_SECONDS: constant(uint256) = 30 * 86_400
BOND_LIMIT_WEI: constant(uint256) = 2**95
STRUCK: constant(uint256) = 4
MASK128: constant(uint256) = 2**128 - 1
DOMAIN_TYPE: constant(bytes32) = 0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f
# Of "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)".
CHECKPOINT_TYPE: constant(bytes32) = 0xe2bfd97541359653fdf4a336c7033163a8c896e5d2c38c0ce22b0815dd68b023
# Of "Checkpoint(string origin,uint64 size,bytes32 root)".
NAME_HASH: constant(bytes32) = 0x901b5f6a553a5ecdb81351299101cda5677f4a50903d9225bcf70e7b22c30eab
# Of "truestep log".
VERSION_HASH: constant(bytes32) = 0xc89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6
# Of "1".
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

OPERATORS: immutable(IOperators)
bond_wei: public(immutable(uint256))
exit_seconds: public(immutable(uint256))
epoch_seconds: public(immutable(uint256))

log_count: public(uint256)
logs: HashMap[uint256, IAnchors.Log]  # from 1
log_of: public(HashMap[address, uint256])  # an operator's log that is not retired; 0: it has none
live: public(HashMap[uint256, uint256])  # group: its logs that are not retired, a bit each
packed_sums: HashMap[uint256, uint256[3]]  # group: the sum of their keys: [ x 128 | y 128 ], x and y, 256 bits each
anchor_count: public(uint256)
anchors: public(HashMap[uint256, bytes32])  # from 1: keccak256 of the anchor


@deploy
def __init__(operators: address, bond: uint256, exit_time: uint256, epoch_time: uint256):
    assert operators.is_contract, "no contract at this address"
    assert bond != 0 and bond < BOND_LIMIT_WEI, "log bond out of bounds"
    assert (
        epoch_time >= EPOCH_MIN_SECONDS and epoch_time <= EPOCH_MAX_SECONDS
    ), "epoch out of bounds"
    assert exit_time >= 2 * epoch_time and exit_time <= EXIT_MAX_SECONDS, "exit time out of bounds"
    OPERATORS = IOperators(operators)
    bond_wei = bond
    exit_seconds = exit_time
    epoch_seconds = epoch_time


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only as a seized bond.
    """
    assert msg.sender == OPERATORS.address, "caller is not Operators"


# --- logs -----------------------------------------------------------------------------------------


@external
def register(
    key: uint256[4],
    possession: Bytes[256],
    note_key: bytes32,
    signer: address,
    origin: String[128],
    url: String[128],
) -> uint256:
    """
    @notice Register the caller's log, and lock its bond (L4.1). One at a time.
    @param possession The key's signature of `possession_message`, as a proof of possession.
    """
    assert self.log_of[msg.sender] == 0, "operator has a log"
    assert signer != empty(address), "no address given"
    assert len(origin) != 0, "log has no name"
    assert key[0] | key[1] | key[2] | key[3] != 0, "BLS: not a point"
    assert bls.possesses(
        key, self._possession_message(msg.sender, key), possession
    ), "key is not the caller's"
    number: uint256 = self.log_count + 1
    self.log_count = number
    self.logs[number] = IAnchors.Log(
        operator=msg.sender,
        signer=signer,
        note_key=note_key,
        key_hash=keccak256(abi_encode(key)),
        leaves_at=0,
        is_slashed=False,
        is_released=False,
        origin=origin,
        url=url,
    )
    self.log_of[msg.sender] = number
    group: uint256 = number // GROUP_SIZE
    self.live[group] |= 1 << number % GROUP_SIZE
    self._set_sum(group, bls.plus(self._sum(group), key))
    log IAnchors.Registered(
        number=number,
        operator=msg.sender,
        signer=signer,
        note_key=note_key,
        key=key,
        origin=origin,
        url=url,
    )
    extcall OPERATORS.lock(msg.sender, 0, bond_wei)
    return number


@external
def move_to(number: uint256, url: String[128]):
    """
    @notice Say where the log is served now. By its operator.
    """
    self._check_owner(number)
    self.logs[number].url = url
    log IAnchors.Moved(number=number, url=url)


@external
def retire(number: uint256, key: uint256[4]):
    """
    @notice End the log: it is attested no longer, and its bond is free after the exit time (L4.5). By its operator.
    """
    self._check_owner(number)
    entry: IAnchors.Log = self.logs[number]
    assert entry.leaves_at == 0 and not entry.is_slashed, "log is over"
    self._take_out(number, msg.sender, key, entry.key_hash)
    leaves_at: uint256 = block.timestamp + exit_seconds
    self.logs[number].leaves_at = leaves_at
    log IAnchors.Retired(number=number, leaves_at=leaves_at)


@external
def release(number: uint256):
    """
    @notice Free the bond of a log that was retired long enough ago. By anybody.
    """
    entry: IAnchors.Log = self.logs[number]
    assert entry.leaves_at != 0, "log is not retired"
    assert not entry.is_slashed and not entry.is_released, "log is over"
    assert block.timestamp > entry.leaves_at, "exit time is not over"
    self.logs[number].is_released = True
    log IAnchors.Released(number=number)
    extcall OPERATORS.unlock(entry.operator, 0, bond_wei)


# --- epochs ---------------------------------------------------------------------------------------


@external
def attest(
    group: uint256,
    epoch: uint256,
    root: bytes32,
    lists_absent: bool,
    places: DynArray[uint256, LISTED_LIMIT],
    keys: DynArray[uint256[4], LISTED_LIMIT],
    signature: Bytes[256],
) -> uint256:
    """
    @notice Anchor the root of the rows of a group's logs, which their operators have signed together (L5.2). By anybody.
    @param lists_absent Whether `places` are of those who have not signed, or of those who have.
    @param places The bits of these logs in the group, in order.
    @param keys Their keys, in the same order.
    @param signature The sum of the operators' signatures of `epoch_message`.
    """
    now: uint256 = block.timestamp // epoch_seconds
    assert epoch == now or epoch + 1 == now, "epoch is not of this time"
    assert group <= self.log_count // GROUP_SIZE, "unknown log"
    assert len(places) == len(keys), "listed logs do not fit"
    live: uint256 = self.live[group]
    listed: uint256 = 0
    total: uint256[4] = empty(uint256[4])
    next_place: uint256 = 0
    base: uint256 = group * GROUP_SIZE
    for index: uint256 in range(len(places), bound=LISTED_LIMIT):
        place: uint256 = places[index]
        assert place >= next_place and place < GROUP_SIZE, "listed logs do not fit"
        next_place = place + 1
        listed |= 1 << place
        assert (
            keccak256(abi_encode(keys[index])) == self.logs[base + place].key_hash
        ), "key of another log"
        total = bls.plus(total, keys[index])
    assert listed & live == listed, "log is over"
    bitmap: uint256 = listed
    if lists_absent:
        bitmap = live ^ listed
        total = bls.plus(self._sum(group), bls.minus(total))
    assert bitmap != 0, "nobody has signed"
    assert bls.signs(
        total, self._epoch_message(group, epoch, root), signature
    ), "epoch is not signed by these"
    number: uint256 = self.anchor_count + 1
    self.anchor_count = number
    self.anchors[number] = keccak256(
        abi_encode(IAnchors.Anchor(group=group, epoch=epoch, root=root, bitmap=bitmap))
    )
    log IAnchors.Anchored(number=number, group=group, epoch=epoch, root=root, bitmap=bitmap)
    return number


# --- equivocation ---------------------------------------------------------------------------------


@external
def report(
    number: uint256,
    key: uint256[4],
    first: IAnchors.Statement,
    second: IAnchors.Statement,
    path: DynArray[bytes32, log_trees.PATH_LIMIT],
):
    """
    @notice Show that a log has contradicted itself, and take its bond (L6). By anybody.
    @param key The log's BLS key; anything if the log is retired.
    @param first What the log has stated, of a size that is not above that of `second`.
    @param path If the sizes differ: the proof of consistency that leads to the root of `second`, and to another of `first`.
    """
    entry: IAnchors.Log = self.logs[number]
    assert entry.operator != empty(address), "unknown log"
    assert not entry.is_slashed and not entry.is_released, "log is over"
    self._check_statement(number, entry.signer, entry.origin, first)
    self._check_statement(number, entry.signer, entry.origin, second)
    if first.size == second.size:
        assert first.root != second.root, "log does not contradict itself"
    else:
        old: bytes32 = empty(bytes32)
        new: bytes32 = empty(bytes32)
        old, new = log_trees.roots(first.size, second.size, path)
        assert new == second.root, "proof is of another log"
        assert old != first.root, "log does not contradict itself"
    if entry.leaves_at == 0:
        self._take_out(number, entry.operator, key, entry.key_hash)
    self.logs[number].is_slashed = True
    reward_wei: uint256 = bond_wei // 2
    log IAnchors.Equivocated(
        number=number, operator=entry.operator, reporter=msg.sender, reward_wei=reward_wei
    )
    extcall OPERATORS.seize(entry.operator, 0, bond_wei)
    extcall OPERATORS.note(entry.operator, STRUCK)
    coins.burn(bond_wei - reward_wei)
    native_credits.credit(msg.sender, reward_wei)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def get(number: uint256) -> IAnchors.Log:
    """
    @notice A log, by its number from 1.
    """
    assert self.logs[number].operator != empty(address), "unknown log"
    return self.logs[number]


@external
@view
def is_anchored(
    number: uint256, size: uint256, root: bytes32, anchor_number: uint256, anchor: IAnchors.Anchor, path: bytes32[8]
) -> bool:
    """
    @notice Whether the log had this size and root in this anchor, and its operator has signed it (L5.4).
    """
    return self._is_anchored(number, size, root, anchor_number, anchor, path)


@external
@view
def possession_message(operator: address, key: uint256[4]) -> bytes32:
    """
    @notice What a key signs to show that its owner is this operator (L4.3).
    """
    return self._possession_message(operator, key)


@external
@view
def epoch_message(group: uint256, epoch: uint256, root: bytes32) -> bytes32:
    """
    @notice What the operators of a group sign (L5.2).
    """
    return self._epoch_message(group, epoch, root)


@external
@view
def checkpoint_digest(origin: String[128], size: uint256, root: bytes32) -> bytes32:
    """
    @notice What a log's signer signs of a checkpoint (EIP-712, L6.2).
    """
    return self._digest(origin, size, root)


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_owner(number: uint256):
    assert self.logs[number].operator == msg.sender, "caller is not the operator"


@internal
def _take_out(number: uint256, operator: address, key: uint256[4], key_hash: bytes32):
    """
    @notice Take a log out of its group.
    """
    assert keccak256(abi_encode(key)) == key_hash, "key of another log"
    group: uint256 = number // GROUP_SIZE
    self.live[group] &= ~(1 << number % GROUP_SIZE)
    self._set_sum(group, bls.plus(self._sum(group), bls.minus(key)))
    self.log_of[operator] = 0


@internal
@view
def _check_statement(
    number: uint256, signer: address, origin: String[128], statement: IAnchors.Statement
):
    assert statement.size < SIZE_LIMIT, "size out of bounds"
    if statement.v == 0:
        assert self._is_anchored(
            number,
            statement.size,
            statement.root,
            statement.anchor_number,
            statement.anchor,
            statement.path,
        ), "log has not stated this"
    else:
        digest: bytes32 = self._digest(origin, statement.size, statement.root)
        assert (
            statement.s <= HALF_ORDER
            and ecrecover(digest, statement.v, statement.r, statement.s) == signer
        ), "log has not stated this"


@internal
@view
def _is_anchored(
    number: uint256, size: uint256, root: bytes32, anchor_number: uint256, anchor: IAnchors.Anchor, path: bytes32[8]
) -> bool:
    place: uint256 = number % GROUP_SIZE
    if (
        self.anchors[anchor_number] != keccak256(abi_encode(anchor))
        or anchor.group != number // GROUP_SIZE
        or anchor.bitmap >> place & 1 == 0
    ):
        return False
    node: bytes32 = keccak256(abi_encode(number, size, root))
    for level: uint256 in range(8):
        if place >> level & 1 == 1:
            node = keccak256(abi_encode(path[level], node))
        else:
            node = keccak256(abi_encode(node, path[level]))
    return node == anchor.root


@internal
@view
def _possession_message(operator: address, key: uint256[4]) -> bytes32:
    return keccak256(abi_encode(chain.id, self, operator, key))


@internal
@view
def _epoch_message(group: uint256, epoch: uint256, root: bytes32) -> bytes32:
    return keccak256(abi_encode(chain.id, self, group, epoch, root))


@internal
@view
def _digest(origin: String[128], size: uint256, root: bytes32) -> bytes32:
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, NAME_HASH, VERSION_HASH, chain.id, self)
    )
    content: bytes32 = keccak256(abi_encode(CHECKPOINT_TYPE, keccak256(origin), size, root))
    return keccak256(concat(x"1901", domain, content))


@internal
@view
def _sum(group: uint256) -> uint256[4]:
    words: uint256[3] = self.packed_sums[group]
    return [words[0] >> 128, words[1], words[0] & MASK128, words[2]]


@internal
def _set_sum(group: uint256, point: uint256[4]):
    self.packed_sums[group] = [point[0] << 128 | point[2], point[1], point[3]]
