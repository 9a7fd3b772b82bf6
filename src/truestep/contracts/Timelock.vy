#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Timelock: the owner of what may change; it acts in public and late (docs/protocol.md S2.4)
@license Apache-2.0
"""
from interfaces import ITimelock

implements: ITimelock


MESSAGE_LIMIT_BYTES: constant(uint256) = 4096
DELAY_MIN_SECONDS: constant(uint256) = 86_400
# Shorter, and nobody can leave in time who does not like what is coming.
DELAY_MAX_SECONDS: constant(uint256) = 60 * 86_400
DUE_SECONDS: constant(uint256) = 14 * 86_400
# An action that nobody has executed by then has to be announced again.
GUARDIAN_MAX_SECONDS: constant(uint256) = 4 * 365 * 86_400

delay_seconds: public(immutable(uint256))

proposer: public(address)
epoch: public(uint256)
# Counts proposers: what an earlier one announced cannot be executed any more.
guardian_until: public(uint256)
named_guardian: address
due_times: public(HashMap[bytes32, uint256])


@deploy
def __init__(first_proposer: address, first_guardian: address, guardian_seconds: uint256, delay: uint256):
    """
    @param first_proposer Who announces actions: a multisig, and later a vote.
    @param guardian_seconds The guardian's powers end so long after the deployment.
    @param delay Seconds between an announcement and its execution.
    """
    assert first_proposer != empty(address), "no address given"
    assert delay >= DELAY_MIN_SECONDS and delay <= DELAY_MAX_SECONDS, "delay out of bounds"
    delay_seconds = delay
    self.proposer = first_proposer
    log ITimelock.ProposerChanged(proposer=first_proposer)
    self._name_guardian(first_guardian, guardian_seconds)


@external
def announce(target: address, message: Bytes[MESSAGE_LIMIT_BYTES], salt: bytes32) -> bytes32:
    """
    @notice Say what will be done. By the proposer.
    @param salt Tells equal actions apart.
    @return The action's id.
    """
    assert msg.sender == self.proposer, "caller is not the proposer"
    assert target.is_contract, "no contract at this address"
    action_id: bytes32 = self._action_id(target, message, salt)
    assert self.due_times[action_id] == 0, "action was announced before"
    due_at: uint256 = block.timestamp + delay_seconds
    self.due_times[action_id] = due_at
    log ITimelock.Announced(action_id=action_id, target=target, message=message, salt=salt, due_at=due_at)
    return action_id


@external
def execute(target: address, message: Bytes[MESSAGE_LIMIT_BYTES], salt: bytes32):
    """
    @notice Do what was announced, once, when it is due. By anybody.
    """
    action_id: bytes32 = self._action_id(target, message, salt)
    due_at: uint256 = self.due_times[action_id]
    assert due_at != 0, "action was not announced"
    assert block.timestamp >= due_at, "action is not due"
    assert block.timestamp <= due_at + DUE_SECONDS, "action is stale"
    self.due_times[action_id] = 0
    log ITimelock.Executed(action_id=action_id)
    if target == self:
        self._do_own(message)
        return
    is_done: bool = False
    answer: Bytes[256] = b""
    is_done, answer = raw_call(target, message, max_outsize=256, revert_on_failure=False)
    if not is_done:
        raw_revert(answer)


@external
def cancel(action_id: bytes32):
    """
    @notice Take an announcement back. By the proposer or the guardian.
    """
    assert msg.sender == self.proposer or (
        msg.sender == self._guardian() and msg.sender != empty(address)
    ), "caller may not cancel"
    assert self.due_times[action_id] != 0, "action was not announced"
    self.due_times[action_id] = 0
    log ITimelock.Cancelled(action_id=action_id, caller=msg.sender)


@external
@view
def guardian() -> address:
    """
    @notice Who may cancel actions and stop finalizing for a while; the zero address when its time is over.
    """
    return self._guardian()


@external
@view
def action_id(target: address, message: Bytes[MESSAGE_LIMIT_BYTES], salt: bytes32) -> bytes32:
    """
    @notice The id under which an action is announced.
    """
    return self._action_id(target, message, salt)


@internal
@view
def _action_id(target: address, message: Bytes[MESSAGE_LIMIT_BYTES], salt: bytes32) -> bytes32:
    return keccak256(abi_encode(self.epoch, target, keccak256(message), salt))


@internal
@view
def _guardian() -> address:
    return self.named_guardian if block.timestamp < self.guardian_until else empty(address)


@internal
def _do_own(message: Bytes[MESSAGE_LIMIT_BYTES]):
    """
    @dev The two actions on the timelock itself: set_proposer(address), and set_guardian(address,uint256), which renews its time.
         They are no functions, so that nobody can call them but through an announcement.
    """
    selector: bytes4 = convert(slice(message, 0, 4), bytes4)
    if selector == method_id("set_proposer(address)", output_type=bytes4) and len(message) == 36:
        named: address = extract32(message, 4, output_type=address)
        assert named != empty(address), "no address given"
        self.proposer = named
        self.epoch += 1
        log ITimelock.ProposerChanged(proposer=named)
        return
    assert (
        selector == method_id("set_guardian(address,uint256)", output_type=bytes4) and len(message) == 68
    ), "no such action"
    self._name_guardian(
        extract32(message, 4, output_type=address), extract32(message, 36, output_type=uint256)
    )


@internal
def _name_guardian(named: address, seconds: uint256):
    assert seconds <= GUARDIAN_MAX_SECONDS, "guardian's time out of bounds"
    self.named_guardian = named
    self.guardian_until = block.timestamp + seconds
    log ITimelock.GuardianChanged(guardian=named, until=block.timestamp + seconds)
