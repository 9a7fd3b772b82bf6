#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Operators: stakes, what is locked in them, delegates, and what is known of each operator
       (docs/protocol.md S1.8, S9.1, docs/operators.md)
@license Apache-2.0
"""
from interfaces import IOperators
from modules import coins

implements: IOperators
initializes: coins
exports: coins.burned_wei


struct Account:
    stake: uint256
    locked: uint256


struct Facts:
    completed: uint256
    audited: uint256
    late: uint256
    struck: uint256


ALL_ROLES: constant(uint256) = 7
ALLOW_LIST: constant(uint256) = 1
STAKE_GATED: constant(uint256) = 2
OPEN: constant(uint256) = 3
MODULE_LIMIT: constant(uint256) = 8
# Each holds the phase in its word, and a new phase is written to all of them.
STAKE_LIMIT_WEI: constant(uint256) = 2**96 - 1
# More than all coins of any chain.
SHARE_MIN_BPS: constant(uint256) = 1_000
# A newcomer must be able to work.
BPS: constant(uint256) = 10_000
PERIOD_SECONDS: constant(uint256) = 30 * 86_400
# At each multiple of it, every fact counts half of what it counted.
FACT: constant(uint256) = 16
# What a fact counts when it is new: it is gone after five periods.
COUNT_LIMIT: constant(uint256) = 2**12 - 1
FULL: constant(uint256) = 64 * FACT
# So much trust, and the whole stake may be at risk.
LATE_WEIGHT: constant(uint256) = 8
STRUCK_WEIGHT: constant(uint256) = 512
# One new strike outweighs all that the other facts can count: 512 * 16 > 2 * COUNT_LIMIT.
RECORD_LIMIT_BYTES: constant(uint256) = 4_096

# account word: [ stake 96 | locked 96 | admitted 1 | period 15 | struck, late, audited, completed: 12 each ];
# locked <= stake always, both without pledges.
STAKE_AT: constant(uint256) = 160
LOCKED_AT: constant(uint256) = 64
ADMITTED: constant(uint256) = 2**63
PERIOD_AT: constant(uint256) = 48
STRUCK_AT: constant(uint256) = 36
LATE_AT: constant(uint256) = 24
AUDITED_AT: constant(uint256) = 12
COMPLETED_AT: constant(uint256) = 0
LANES: constant(uint256) = 2**36 + 2**24 + 2**12 + 1
MASK12: constant(uint256) = 2**12 - 1
MASK15: constant(uint256) = 2**15 - 1
MASK48: constant(uint256) = 2**48 - 1
MASK63: constant(uint256) = 2**63 - 1
MASK96: constant(uint256) = 2**96 - 1

DEPLOYER: immutable(address)
owner: public(immutable(address))
FRESH_SHARE_BPS: immutable(uint256)
GATE_WEI: immutable(uint256)

is_sealed: public(bool)
phase: public(uint256)
modules: HashMap[address, uint256]  # the phase, so that a lock reads no other word; 0 for all others
module_list: DynArray[address, MODULE_LIMIT]
packed_accounts: HashMap[address, uint256]
pledged: public(HashMap[address, uint256])
delegates: HashMap[address, HashMap[address, uint256]]
records: HashMap[address, uint256]  # [ block number 64 | first 192 bits of the record's hash ]


@deploy
def __init__(owner_: address, fresh_share_bps: uint256, gate_wei: uint256, phase: uint256):
    """
    @param owner_ Who admits operators and moves the phase: the timelock.
    @param fresh_share_bps The part of its stake that an operator may have at risk of which nothing is known.
    @param gate_wei The stake that admits while the network is gated by stake.
    @param phase The first: 1 allow-list, 2 gated by stake, 3 open.
    """
    assert owner_.is_contract, "no contract at this address"
    assert fresh_share_bps >= SHARE_MIN_BPS and fresh_share_bps <= BPS, "share out of bounds"
    assert gate_wei <= STAKE_LIMIT_WEI, "gate out of bounds"
    assert phase >= ALLOW_LIST and phase <= OPEN, "no such phase"
    DEPLOYER = msg.sender
    owner = owner_
    FRESH_SHARE_BPS = fresh_share_bps
    GATE_WEI = gate_wei
    self.phase = phase


@external
def add_module(module: address):
    """
    @notice Name a contract that may lock, unlock, burn and seize. By the deployer, until it is sealed.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert not self.is_sealed, "modules are sealed"
    assert module.is_contract, "no contract at this address"
    assert self.modules[module] == 0, "module was named before"
    assert len(self.module_list) < MODULE_LIMIT, "too many modules"
    self.modules[module] = self.phase
    self.module_list.append(module)
    log IOperators.ModuleAdded(module=module)


@external
def seal():
    """
    @notice End the naming of modules for ever. By the deployer.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert not self.is_sealed, "modules are sealed"
    self.is_sealed = True
    log IOperators.Sealed()


# --- the owner ------------------------------------------------------------------------------------


@external
def set_phase(phase: uint256):
    """
    @notice Move the phase forward, and never back (O4.2). By the owner.
    """
    assert msg.sender == owner, "caller is not the owner"
    assert phase <= OPEN, "no such phase"
    assert phase > self.phase, "phase moves forward only"
    self.phase = phase
    for module: address in self.module_list:
        self.modules[module] = phase
    log IOperators.PhaseSet(phase=phase)


@external
def admit(operator: address, is_admitted: bool):
    """
    @notice Put an operator on the allow-list, or take it off (O4.3). By the owner, and by the deployer until
            modules are sealed, so that a network can begin with some.
    """
    if msg.sender != owner:
        assert msg.sender == DEPLOYER and not self.is_sealed, "caller is not the owner"
    assert operator != empty(address), "no address given"
    account: uint256 = self.packed_accounts[operator]
    if is_admitted:
        account |= ADMITTED
    else:
        account &= ~ADMITTED
    self.packed_accounts[operator] = account
    log IOperators.Admitted(operator=operator, is_admitted=is_admitted)


# --- operators ------------------------------------------------------------------------------------


@external
@payable
def deposit_for(operator: address):
    """
    @notice Add the coins sent to an operator's stake.
    @dev Nobody should stake before the modules are sealed: until then the deployer could take it.
    """
    assert operator != empty(address), "no address given"
    assert msg.value != 0, "wrong amount of coins sent"
    assert self.is_sealed, "modules are not sealed"
    account: uint256 = self.packed_accounts[operator]
    assert msg.value <= STAKE_LIMIT_WEI - self.pledged[operator] - (
        account >> STAKE_AT
    ), "stake is too large"
    self.packed_accounts[operator] = account + (msg.value << STAKE_AT)
    log IOperators.Deposited(operator=operator, sender=msg.sender, amount_wei=msg.value)


@external
def withdraw_to(receiver: address, amount_wei: uint256):
    """
    @notice Send coins out of the caller's free stake. What is left must bear what is at risk (O3.3).
    """
    assert amount_wei != 0, "nothing to withdraw"
    assert receiver != empty(address), "no address given"
    assert self.modules[receiver] == 0, "payment refused by receiver"
    account: uint256 = self.packed_accounts[msg.sender]
    self._check_free(account, amount_wei)
    account -= amount_wei << STAKE_AT
    self._check_cap(account)
    self.packed_accounts[msg.sender] = account
    log IOperators.Withdrawn(operator=msg.sender, receiver=receiver, amount_wei=amount_wei)
    coins.pay(receiver, amount_wei)


@external
def set_delegate(delegate: address, roles: uint256):
    """
    @notice Let `delegate` act for the caller.
    @param roles A sum of TAKE = 1, CLAIM = 2, MOVE = 4; 0 ends it.
    """
    assert delegate != empty(address) and delegate != msg.sender, "not a delegate's address"
    assert roles <= ALL_ROLES, "no such role"
    self.delegates[msg.sender][delegate] = roles
    log IOperators.Delegated(operator=msg.sender, delegate=delegate, roles=roles)


@external
def publish(record: Bytes[RECORD_LIMIT_BYTES]):
    """
    @notice Publish the caller's record (O5). Keeps where it is and what it must be.
    @dev The contract does not read it: everybody checks it, and its signature, off chain.
    """
    assert len(record) != 0, "record is empty"
    self.records[msg.sender] = block.number << 192 | convert(keccak256(record), uint256) >> 64
    log IOperators.Published(operator=msg.sender, record=record)


# --- modules --------------------------------------------------------------------------------------


@external
def lock(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Lock free stake for a batch; for batch 0, pledge it. By a module.
    """
    phase: uint256 = self._check_module()
    account: uint256 = self.packed_accounts[operator]
    if phase != OPEN:
        self._check_admission(phase, operator, account)
    self._check_free(account, amount_wei)
    if batch_id == 0:
        account -= amount_wei << STAKE_AT
        self.pledged[operator] += amount_wei
    else:
        account += amount_wei << LOCKED_AT
    self._check_cap(account)
    self.packed_accounts[operator] = account
    log IOperators.Locked(operator=operator, batch_id=batch_id, amount_wei=amount_wei)


@external
def unlock(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Free locked stake; for batch 0, pledged stake. Leaves no fact. By a module.
    """
    self._check_module()
    account: uint256 = self.packed_accounts[operator]
    if batch_id == 0:
        self._take_pledge(operator, amount_wei)
        account += amount_wei << STAKE_AT
    else:
        account = self._freed(account, amount_wei)
    self.packed_accounts[operator] = account
    log IOperators.Unlocked(operator=operator, batch_id=batch_id, amount_wei=amount_wei)


@external
def complete(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Free the bonds of results that became final: the operator has completed them (O2.2). By a module.
    """
    self._check_module()
    account: uint256 = self._freed(self.packed_accounts[operator], amount_wei)
    self.packed_accounts[operator] = self._with_fact(account, COMPLETED_AT)
    log IOperators.Unlocked(operator=operator, batch_id=batch_id, amount_wei=amount_wei)


@external
def burn(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Destroy locked stake, for a lease that was not kept (O2.2); for batch 0, pledged stake. By a module.
    """
    self._check_module()
    self._forfeit(operator, batch_id, amount_wei, LATE_AT)
    coins.burn(amount_wei)
    log IOperators.Burned(operator=operator, batch_id=batch_id, amount_wei=amount_wei)


@external
def seize(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Send locked stake to the caller, for a leaf that was struck (O2.2); for batch 0, pledged stake. By a
            module.
    """
    self._check_module()
    self._forfeit(operator, batch_id, amount_wei, STRUCK_AT)
    log IOperators.Seized(
        operator=operator, batch_id=batch_id, receiver=msg.sender, amount_wei=amount_wei
    )
    coins.pay(msg.sender, amount_wei)


@external
def note(operator: address, fact: uint256):
    """
    @notice Note a fact that comes with no bond (O2.3). By a module.
    @param fact COMPLETED = 1, AUDITED = 2, LATE = 3, STRUCK = 4.
    """
    self._check_module()
    assert fact >= 1 and fact <= 4, "no such fact"
    self.packed_accounts[operator] = self._with_fact(self.packed_accounts[operator], 12 * (fact - 1))
    log IOperators.Noted(operator=operator, fact=fact)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def is_module(module: address) -> bool:
    """
    @notice Whether this contract may lock, unlock, burn and seize.
    """
    return self.modules[module] != 0


@external
@view
def accounts(operator: address) -> Account:
    """
    @notice The operator's whole stake, and the part of it that is locked, both with what is pledged.
    """
    account: uint256 = self.packed_accounts[operator]
    pledged: uint256 = self.pledged[operator]
    return Account(
        stake=(account >> STAKE_AT) + pledged, locked=(account >> LOCKED_AT & MASK96) + pledged
    )


@external
@view
def facts(operator: address) -> Facts:
    """
    @notice What is known of the operator, in sixteenths of a new fact (O2).
    """
    counts: uint256 = self._counts(self.packed_accounts[operator])
    return Facts(
        completed=counts >> COMPLETED_AT & MASK12,
        audited=counts >> AUDITED_AT & MASK12,
        late=counts >> LATE_AT & MASK12,
        struck=counts >> STRUCK_AT & MASK12,
    )


@external
@view
def share_bps(operator: address) -> uint256:
    """
    @notice The part of its stake that the operator may have at risk (O3.1).
    """
    return self._share_bps(self.packed_accounts[operator])


@external
@view
def room_wei(operator: address) -> uint256:
    """
    @notice What may be locked for batches now: within the cap, and nothing if it is not admitted (O3, O4).
    """
    account: uint256 = self.packed_accounts[operator]
    if not self._is_admitted(self.phase, operator, account):
        return 0
    cap_wei: uint256 = (account >> STAKE_AT) * self._share_bps(account) // BPS
    locked_wei: uint256 = account >> LOCKED_AT & MASK96
    return cap_wei - locked_wei if cap_wei > locked_wei else 0


@external
@view
def is_admitted(operator: address) -> bool:
    """
    @notice Whether the operator may lock stake in this phase (O4).
    """
    return self._is_admitted(self.phase, operator, self.packed_accounts[operator])


@external
@view
def is_listed(operator: address) -> bool:
    """
    @notice Whether the operator is on the allow-list.
    """
    return self.packed_accounts[operator] & ADMITTED != 0


@external
@view
def record_of(operator: address) -> (uint256, bytes24):
    """
    @notice The block in which the operator's newest record was published, and the first 24 bytes of its
            keccak256; zeros if there is none (O5).
    """
    word: uint256 = self.records[operator]
    return word >> 192, convert(convert(word << 64, bytes32), bytes24)


@external
@view
def rules() -> (uint256, uint256):
    """
    @notice The share of a fresh operator, in 10,000ths, and the stake that admits while it gates, in wei.
    """
    return FRESH_SHARE_BPS, GATE_WEI


@external
@view
def roles(operator: address, delegate: address) -> uint256:
    """
    @notice The roles of a delegate, a sum of 1, 2, 4, 8; 15 for the operator itself.
    """
    return ALL_ROLES if operator == delegate else self.delegates[operator][delegate]


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_module() -> uint256:
    """
    @return The phase.
    """
    phase: uint256 = self.modules[msg.sender]
    assert phase != 0, "caller is not a module"
    return phase


@internal
@view
def _check_admission(phase: uint256, operator: address, account: uint256):
    assert self._is_admitted(phase, operator, account), "operator is not admitted"


@internal
@view
def _is_admitted(phase: uint256, operator: address, account: uint256) -> bool:
    if phase == OPEN or account & ADMITTED != 0:
        return True
    return phase == STAKE_GATED and (account >> STAKE_AT) + self.pledged[operator] >= GATE_WEI


@internal
@pure
def _check_free(account: uint256, amount_wei: uint256):
    assert amount_wei <= unsafe_sub(
        account >> STAKE_AT, account >> LOCKED_AT & MASK96
    ), "not enough free stake"


@internal
@view
def _check_cap(account: uint256):
    """
    @dev The share of a fresh operator is the least there is, and the only one that needs no facts.
    """
    stake_wei: uint256 = account >> STAKE_AT
    locked_wei: uint256 = unsafe_mul(account >> LOCKED_AT & MASK96, BPS)
    if locked_wei > unsafe_mul(stake_wei, FRESH_SHARE_BPS):
        assert locked_wei <= unsafe_mul(stake_wei, self._share_bps(account)), "more at risk than the cap"


@internal
@view
def _share_bps(account: uint256) -> uint256:
    counts: uint256 = self._counts(account)
    good: uint256 = (counts & MASK12) + (counts >> AUDITED_AT & MASK12)
    bad: uint256 = (counts >> LATE_AT & MASK12) * LATE_WEIGHT + (
        counts >> STRUCK_AT & MASK12
    ) * STRUCK_WEIGHT
    if good <= bad:
        return FRESH_SHARE_BPS
    return FRESH_SHARE_BPS + (BPS - FRESH_SHARE_BPS) * min(good - bad, FULL) // FULL


@internal
@view
def _counts(account: uint256) -> uint256:
    """
    @notice The four counts as of now, each halved, rounded down, for each period since the latest fact.
    """
    periods: uint256 = unsafe_sub(
        block.timestamp // PERIOD_SECONDS, account >> PERIOD_AT & MASK15
    )
    return (account & MASK48) >> periods & unsafe_mul(MASK12 >> periods, LANES)


@internal
@view
def _with_fact(account: uint256, at: uint256) -> uint256:
    counts: uint256 = self._counts(account)
    room: uint256 = unsafe_sub(COUNT_LIMIT, counts >> at & MASK12)
    counts = unsafe_add(counts, min(FACT, room) << at)
    return account & ~MASK63 | (block.timestamp // PERIOD_SECONDS) << PERIOD_AT | counts


@internal
@pure
def _freed(account: uint256, amount_wei: uint256) -> uint256:
    assert amount_wei <= account >> LOCKED_AT & MASK96, "not enough locked stake"
    return account - (amount_wei << LOCKED_AT)


@internal
def _take_pledge(operator: address, amount_wei: uint256):
    pledged: uint256 = self.pledged[operator]
    assert amount_wei <= pledged, "not enough locked stake"
    self.pledged[operator] = pledged - amount_wei


@internal
def _forfeit(operator: address, batch_id: uint256, amount_wei: uint256, fact_at: uint256):
    if batch_id == 0:
        self._take_pledge(operator, amount_wei)
    else:
        account: uint256 = self._freed(self.packed_accounts[operator], amount_wei)
        self.packed_accounts[operator] = self._with_fact(account - (amount_wei << STAKE_AT), fact_at)
