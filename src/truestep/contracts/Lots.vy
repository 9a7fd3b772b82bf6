#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Lots: a policy under which each part of a job is one drawn operator's to take (docs/drawn.md)
@license Apache-2.0
"""
from interfaces import IAssurance
from interfaces import IAssurances
from interfaces import IJobs
from interfaces import ILots
from interfaces import IOperators
from modules import coins
from modules import leaf_proofs
from modules import native_credits

implements: IAssurance
initializes: coins
initializes: native_credits
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)


interface Linked:
    def disputes() -> address: view
    def jobs() -> address: view
    def operators() -> address: view


interface Busy:
    def is_busy(task_id: uint256) -> bool: view


interface Sortition:
    def select(
        pool: uint256, seed: bytes32, count: uint256, excluded: DynArray[address, EXCLUDED_LIMIT]
    ) -> DynArray[address, EXCLUDED_LIMIT]: view
    def penalise(operator: address, amount_wei: uint256) -> uint256: nonpayable
    def pledge_of(pool: uint256, operator: address) -> uint256: view
    def exit_seconds() -> uint256: view
    def least_pledge_wei() -> uint256: view
    def randomness() -> address: view
    def assurances() -> address: view


interface Randomness:
    def drawing(since: uint256) -> uint256: view
    def seed(round: uint256) -> bytes32: view


TAKE: constant(uint256) = 1

EXCLUDED_LIMIT: constant(uint256) = 16
# As many as Sortition leaves out of a draw.
DECLINES_LIMIT: constant(uint256) = 16
# So many holders did not want the lot: whoever does may take it.
BATCH_LIMIT: constant(uint256) = 256
LOT_LIMIT: constant(uint256) = 32
# Tasks of a lot: so many bits are left in its word.
LOTS_LIMIT: constant(uint256) = 64
# In one call: 64 draws stay below 8 million gas.
POOL_LIMIT: constant(uint256) = 255
TURN_LIMIT_SECONDS: constant(uint256) = 7 * 86_400
# So long can one operator that does nothing put off its lots.
TELLER_BPS: constant(uint256) = 1_000
# Of a penalty, for whoever has it taken: less than anybody loses by telling of itself.
BPS: constant(uint256) = 10_000

MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK160: constant(uint256) = 2**160 - 1

# Of a lot: [ 0 15 | declines 8 | open 1 | due 32 | since 40 | holder 160 ]
SINCE_AT: constant(uint256) = 160
DUE_AT: constant(uint256) = 200
OPEN: constant(uint256) = 1 << 232
DECLINES_AT: constant(uint256) = 233

ASSURANCES: immutable(IAssurances)
JOBS: immutable(IJobs)
OPERATORS: immutable(IOperators)
SORTITION: immutable(Sortition)
RANDOMNESS: immutable(Randomness)
POOL: immutable(uint256)
LOT_TASKS: immutable(uint256)
TURN_SECONDS: immutable(uint256)
OPEN_SECONDS: immutable(uint256)
LATE_WEI: immutable(uint256)

offers: HashMap[uint256, uint256]  # job id: [ tasks of a lot 16 | offered_at 40 ]
lots: HashMap[uint256, uint256]  # job id << 16 | lot
failed: public(HashMap[uint256, HashMap[address, bool]])  # job id, operator


@deploy
def __init__(assurances: address, sortition: address, rules: ILots.Rules):
    """
    @dev Jobs and Operators are those of Assurances.
    """
    assert assurances.is_contract and sortition.is_contract, "no contract at this address"
    assert staticcall Sortition(sortition).assurances() == assurances, "contracts do not fit together"
    assert rules.pool <= POOL_LIMIT, "no such pool"
    assert rules.lot_tasks != 0 and rules.lot_tasks <= LOT_LIMIT, "lot size out of bounds"
    assert (
        rules.turn_seconds != 0
        and rules.turn_seconds <= TURN_LIMIT_SECONDS
        and rules.turn_seconds < staticcall Sortition(sortition).exit_seconds()
        and rules.open_seconds <= TURN_LIMIT_SECONDS
    ), "turn out of bounds"
    assert (
        rules.late_wei <= staticcall Sortition(sortition).least_pledge_wei() // LOT_LIMIT
    ), "fee or penalty out of bounds"
    jobs: address = staticcall Linked(staticcall Linked(assurances).disputes()).jobs()
    ASSURANCES = IAssurances(assurances)
    JOBS = IJobs(jobs)
    OPERATORS = IOperators(staticcall Linked(jobs).operators())
    SORTITION = Sortition(sortition)
    RANDOMNESS = Randomness(staticcall Sortition(sortition).randomness())
    POOL = rules.pool
    LOT_TASKS = rules.lot_tasks
    TURN_SECONDS = rules.turn_seconds
    OPEN_SECONDS = rules.open_seconds
    LATE_WEI = rules.late_wei


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only as a part of an operator's pledge.
    """
    assert msg.sender == SORTITION.address, "caller is not Sortition"


# --- lots -----------------------------------------------------------------------------------------


@external
def offer(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms, lot_tasks: uint256):
    """
    @notice Cut a job into lots, so that they can be drawn (T2.1). By the requester; with the usual number of tasks by
            anybody.
    """
    digest: bytes32 = leaf_proofs.job_digest(JOBS.address, job_id, work, terms)
    assert digest == staticcall JOBS.job_digests(job_id), "work or terms of another job"
    assert msg.sender == terms.requester or lot_tasks == LOT_TASKS, "caller is not the requester"
    assert lot_tasks != 0 and lot_tasks <= LOT_LIMIT, "lot size out of bounds"
    self.offers[job_id] = lot_tasks << 40 | block.timestamp
    log ILots.Offered(job_id=job_id, sender=msg.sender, lot_tasks=lot_tasks)
    # A second time Jobs refuses.
    extcall ASSURANCES.supply(job_id, digest)
    # Nobody can take a reducer that is not fed, and whoever is drawn for it would be late.
    assert not (staticcall JOBS.get_job(job_id)).is_unfed, "job waits for its input"


@external
def draw(job_id: uint256, shards: DynArray[uint256, LOTS_LIMIT]):
    """
    @notice Draw who may take lots, each named by a shard of it that is free (T2.2). By anybody, once there is a seed
            that nobody knew when the lots began to wait.
    @dev Skips lots that do not wait, so that nobody can spoil a call by drawing one of them.
    """
    offered: uint256 = self._offered(job_id)
    job: IJobs.Job = staticcall JOBS.get_job(job_id)
    assert block.timestamp < job.deadline, "deadline is over"
    digest: bytes32 = staticcall JOBS.job_digests(job_id)
    is_idle: bool = True
    for shard: uint256 in shards:
        lot: uint256 = self._lot_of(shard, offered)
        key: uint256 = job_id << 16 | lot
        word: uint256 = self.lots[key]
        if self._is_busy(job_id, shard) or word & (MASK160 | OPEN) != 0:
            continue
        is_idle = False
        since: uint256 = self._waits_since(word, offered)
        seed: bytes32 = self._seed(since, digest, lot)
        holder: address = self._select(job_id, seed, (offered >> 40) * LATE_WEI)
        if holder == empty(address):
            self.lots[key] = OPEN
            log ILots.Opened(job_id=job_id, lot=lot)
            continue
        due: uint256 = self._all_of(lot, offered, job.shard_count)
        # Of a lot that is drawn for the first time and was never open, nobody can have taken a shard.
        if word != 0 or block.timestamp > since + OPEN_SECONDS:
            due = self._free_of(job_id, lot, offered, due)
        word = word >> DECLINES_AT << DECLINES_AT | due << DUE_AT
        self.lots[key] = word | block.timestamp << SINCE_AT | convert(holder, uint256)
        log ILots.Drawn(job_id=job_id, holder=holder, lot=lot, due=due)
    assert not is_idle, "lot does not wait"


@external
def decline(
    operator: address, job_id: uint256, job_digest: bytes32, shards: DynArray[uint256, LOTS_LIMIT]
):
    """
    @notice Give up lots, each named by a shard of it that is free, for others to be drawn (T3.2). In its turn, by the
            holder or a delegate with TAKE.
    @dev Skips shards that are busy, so that a requester cannot spoil a call by cancelling one of them.
    """
    if msg.sender != operator:
        roles: uint256 = staticcall OPERATORS.roles(operator, msg.sender)
        assert roles & TAKE != 0, "caller may not act for the operator"
    assert job_digest == staticcall JOBS.job_digests(job_id), "work or terms of another job"
    offered: uint256 = self._offered(job_id)
    is_idle: bool = True
    for shard: uint256 in shards:
        lot: uint256 = self._lot_of(shard, offered)
        key: uint256 = job_id << 16 | lot
        word: uint256 = self.lots[key]
        assert word & MASK160 == convert(operator, uint256), "turn is another's"
        assert not self._is_over(word), "turn is over"
        # So a lot that waits has a free shard: nobody lets one wait, and open, behind claims that stand.
        if self._is_busy(job_id, shard):
            continue
        is_idle = False
        declines: uint256 = (word >> DECLINES_AT) + 1
        self.lots[key] = declines << DECLINES_AT | block.timestamp << SINCE_AT
        log ILots.Declined(job_id=job_id, holder=operator, lot=lot)
        if declines == DECLINES_LIMIT:
            self.lots[key] = OPEN
            log ILots.Opened(job_id=job_id, lot=lot)
    assert not is_idle, "task is not open"


@external
def end_turn(job_id: uint256, shard: uint256):
    """
    @notice Let a lot be drawn again of which a shard is free when its turn is over (T3.3). By anybody. A holder pays
            for each free shard that it could have taken in its turn, and takes nothing of the job any more.
    """
    offered: uint256 = self._offered(job_id)
    # After it nothing can be taken, and nobody is late.
    assert block.timestamp < staticcall JOBS.deadlines(job_id), "deadline is over"
    lot: uint256 = self._lot_of(shard, offered)
    key: uint256 = job_id << 16 | lot
    word: uint256 = self.lots[key]
    holder: address = convert(word & MASK160, address)
    assert holder != empty(address), "turn is over"
    assert self._is_over(word), "turn is not over"
    assert not self._is_busy(job_id, shard), "task is not open"
    self.lots[key] = word >> DECLINES_AT << DECLINES_AT | block.timestamp << SINCE_AT
    late_tasks: uint256 = self._count(
        self._free_of(job_id, lot, offered, word >> DUE_AT & MASK32)
    )
    penalty_wei: uint256 = 0
    if late_tasks != 0:
        self.failed[job_id][holder] = True
        penalty_wei = extcall SORTITION.penalise(holder, late_tasks * LATE_WEI)
        teller_wei: uint256 = penalty_wei * TELLER_BPS // BPS
        native_credits.credit(msg.sender, teller_wei)
        coins.burn(penalty_wei - teller_wei)
    log ILots.Ended(
        job_id=job_id, holder=holder, lot=lot, late_tasks=late_tasks, penalty_wei=penalty_wei
    )


# --- what Assurances asks -------------------------------------------------------------------------


@external
@view
def must_wait() -> bool:
    """
    @notice Jobs under this policy can be taken once they are offered.
    """
    return True


@external
@view
def assigns() -> bool:
    """
    @notice This policy says who takes its jobs (S8.8).
    """
    return True


@external
@view
def may_take(operator: address, items: DynArray[uint256, BATCH_LIMIT]) -> bool:
    """
    @notice The holder, in its turn, any tasks of its lots; everybody that has not failed, those of open lots (T3).
    """
    for item: uint256 in items:
        job_id: uint256 = item >> 64
        offered: uint256 = self.offers[job_id]
        if offered == 0 or self.failed[job_id][operator]:
            return False
        first: uint256 = item >> 32 & MASK32
        last: uint256 = (first + (item >> 16 & MASK16) - 1) // (offered >> 40)
        for lot: uint256 in range(first // (offered >> 40), last + 1, bound=BATCH_LIMIT):
            word: uint256 = self.lots[job_id << 16 | lot]
            holder: uint256 = word & MASK160
            if holder != 0:
                if holder != convert(operator, uint256) or self._is_over(word):
                    return False
            elif word & OPEN == 0:
                if block.timestamp <= self._waits_since(word, offered) + OPEN_SECONDS:
                    return False
    return True


@external
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    """
    @notice The last second in which a game may be opened on a batch: its window.
    """
    return until


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    """
    @notice A batch is due when its window is over; no leaf waits but for its games.
    """
    return block.timestamp > until, 0


# --- views ----------------------------------------------------------------------------------------


@external
@view
def get_rules() -> ILots.Rules:
    """
    @notice The numbers of this policy, which never change.
    """
    return ILots.Rules(
        pool=POOL,
        lot_tasks=LOT_TASKS,
        turn_seconds=TURN_SECONDS,
        open_seconds=OPEN_SECONDS,
        late_wei=LATE_WEI,
    )


@external
@view
def get_offer(job_id: uint256) -> (uint256, uint256):
    """
    @notice Of a job: how many tasks a lot has, and when it was offered; zero if it is not.
    """
    return self.offers[job_id] >> 40, self.offers[job_id] & MASK40


@external
@view
def get_lot(job_id: uint256, lot: uint256) -> ILots.Lot:
    """
    @notice Who may take a lot; all zero before it was drawn.
    """
    word: uint256 = self.lots[job_id << 16 | lot]
    return ILots.Lot(
        holder=convert(word & MASK160, address),
        since=word >> SINCE_AT & MASK40,
        due=word >> DUE_AT & MASK32,
        is_open=word & OPEN != 0,
        declines=word >> DECLINES_AT,
    )


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _offered(job_id: uint256) -> uint256:
    offered: uint256 = self.offers[job_id]
    assert offered != 0, "job is not offered"
    return offered


@internal
@pure
def _lot_of(shard: uint256, offered: uint256) -> uint256:
    assert shard <= MASK16, "shard index is not below shard count"
    return shard // (offered >> 40)


@internal
@view
def _is_busy(job_id: uint256, shard: uint256) -> bool:
    return staticcall Busy(JOBS.address).is_busy(job_id << 32 | shard)


@internal
@pure
def _all_of(lot: uint256, offered: uint256, shard_count: uint256) -> uint256:
    """
    @notice A bit for each shard of a lot, from its first one on.
    """
    size: uint256 = offered >> 40
    return (1 << min(size, shard_count - lot * size)) - 1


@internal
@view
def _free_of(job_id: uint256, lot: uint256, offered: uint256, shards: uint256) -> uint256:
    """
    @notice Those of these shards of a lot, a bit each, that are not busy.
    """
    first: uint256 = lot * (offered >> 40)
    free: uint256 = 0
    for place: uint256 in range(LOT_LIMIT):
        if shards >> place & 1 == 1 and not self._is_busy(job_id, first + place):
            free |= 1 << place
    return free


@internal
@pure
def _count(shards: uint256) -> uint256:
    count: uint256 = 0
    for place: uint256 in range(LOT_LIMIT):
        count += shards >> place & 1
    return count


@internal
@view
def _is_over(word: uint256) -> bool:
    return block.timestamp > (word >> SINCE_AT & MASK40) + TURN_SECONDS


@internal
@pure
def _waits_since(word: uint256, offered: uint256) -> uint256:
    return offered & MASK40 if word == 0 else word >> SINCE_AT & MASK40


@internal
@view
def _seed(since: uint256, digest: bytes32, lot: uint256) -> bytes32:
    """
    @notice The seed of a lot: of a round that committed after it began to wait (assignment D2.4, D2.5).
    """
    round: uint256 = staticcall RANDOMNESS.drawing(since)
    return keccak256(
        abi_encode(staticcall RANDOMNESS.seed(round), self, keccak256(abi_encode(digest, lot)))
    )


@internal
@view
def _select(job_id: uint256, seed: bytes32, pledge_wei: uint256) -> address:
    """
    @notice A member of the pool that has not failed the job and has still pledged so much; nobody if sixteen were drawn
            in vain.
    """
    excluded: DynArray[address, EXCLUDED_LIMIT] = []
    for _: uint256 in range(EXCLUDED_LIMIT):
        members: DynArray[address, EXCLUDED_LIMIT] = staticcall SORTITION.select(
            POOL, seed, 1, excluded
        )
        if len(members) == 0:
            break
        member: address = members[0]
        if (
            not self.failed[job_id][member]
            and staticcall SORTITION.pledge_of(POOL, member) >= pledge_wei
        ):
            return member
        excluded.append(member)
    return empty(address)
