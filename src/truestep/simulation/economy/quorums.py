"""Members of committees that lie together, played on the model from the draw to the last penalty (quorum Q8).

Jobs, Quorums and Disputes are the model's, and the game on each lie is played by the roles. What is said on a
committee is written here: honest members say what is true, friends what they have agreed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from truestep.base import ids
from truestep.base.errors import Bug
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment import pools
from truestep.protocol.quorum.commitments import commitment_of
from truestep.protocol.quorum.contracts import quorums as contract
from truestep.protocol.quorum.contracts.quorums import Committee, Opening, Rules, Said
from truestep.protocol.quorum.policy import stretch_of
from truestep.protocol.quorum.rules import least_fee, least_lease
from truestep.protocol.quorum.turns import seats_in
from truestep.protocol.settlement.contracts import disputes, jobs, operators, programs
from truestep.protocol.settlement.facts.leaves import leaf_of_state, words_of
from truestep.protocol.settlement.ids import NATIVE, NOBODY, LeafId, claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.parameters import BPS, DAY_SECONDS, Parameters
from truestep.protocol.settlement.records import Order
from truestep.protocol.settlement.rewards import RESULT_LIMIT_SECONDS
from truestep.protocol.settlement.standing import USUAL, Admission
from truestep.protocol.settlement.trees import claims_root, tasks_root
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker_policy import WorkerPolicy
from truestep.simulation.economy.acting import items_for
from truestep.simulation.economy.assumptions import COIN, Assumptions
from truestep.simulation.economy.chain import account
from truestep.simulation.economy.nodes import Challenger, Node, Operator
from truestep.simulation.economy.quorum_chain import POLICY, QuorumChain
from truestep.simulation.economy.referee import Referee
from truestep.simulation.economy.rogues import Rogue
from truestep.simulation.economy.runs import Run
from truestep.simulation.economy.strategies import HONEST, Strategy

MEMBERS_FROM, HONEST_OPERATOR, CHALLENGER, FRIEND, REQUESTER = 7 * 10**6, 701, 702, 703, 704
MEMBERS = 1_000
"""Operators of the pool, with equal pledges."""
DRAWS = 5_000
"""Committees that are drawn to find lies: a few hours of a busy network."""
LIES = 8
"""That are played of each tactic, size and share. One costs as much as the next."""
STAKE_WEI = 10**4 * COIN
"""Of each that takes a job: what a lie costs is measured, not limited."""

TOGETHER = Strategy(
    name="lying together",
    words="friends with a quorum, one of whom leads, confirm a lie at once, and defend it to the last move",
    lies_bps=BPS,
    computes=False,
)
STRIKING = Strategy(
    name="lying together and striking",
    words="the same, and a friend strikes the lie and has the liars charged, to win back what it can",
    lies_bps=BPS,
    computes=False,
    friends=1,
    plays_on=True,
)
HUSHING = replace(
    STRIKING,
    name="lying together and hushing",
    words="the same, and the requester is a friend that closes its job, so that the task never has a result",
)
TACTICS = (TOGETHER, STRIKING, HUSHING)


SIZES = ((3, 5), (9, 16))
"""k of n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colluders:
    """What came of the lies of one tactic. Coins in wei."""

    needed: int
    seats: int
    tactic: str
    stake_share: float
    draws: int
    lies: int
    """Of so many draws, those of which friends had a quorum and the first turn."""
    believed: int
    """Lies that were final for consumers at once."""
    loss_wei: int
    """What all friends have less than before, without their fees: bonds, pledges and gas, less winnings."""
    gain_wei: int
    """Of each lie the reward, members' fees, the runs that were spared, and the value of a false result."""
    loss_over_gain: float | None
    """None if there was no lie."""
    standing_seconds: int
    """From a lie until it is struck, on average."""


@dataclass(kw_only=True)
class Bench:
    """A pool of which a share are friends, and the jobs that its committees judge."""

    chain: QuorumChain
    strategy: Strategy
    share_bps: int

    def __post_init__(self) -> None:
        """Everybody pledges; whoever has a part in disputes gets a node."""
        self.world = self.chain.world
        self.nodes: dict[Address, Node] = {}
        self.members = [account(MEMBERS_FROM + number) for number in range(MEMBERS)]
        self.friends = frozenset(self.members[: MEMBERS * self.share_bps // BPS])
        self.pool = pools.pool_of(dict.fromkeys(self.members, 1))
        self.referee = Referee(self.world, self.nodes)
        self.world.chain.listeners[jobs.Struck] = self._struck
        self.challenger = Challenger(
            world=self.world,
            name=account(CHALLENGER),
            strategy=HONEST,
            policy=ChallengerPolicy(salt=keccak256(b"challenger")),
            cores=[0],
        )
        self.friend = Rogue(world=self.world, name=account(FRIEND), strategy=self.strategy, number=0)
        self._add(self.challenger, HONEST.name)
        self._add(self.friend, self.strategy.name)
        self.believed = self.lied_at = self.fees_wei = 0
        self.standing_seconds: list[int] = []

    @property
    def max_cycles(self) -> int:
        """Of the program."""
        return self.world.assumptions.task_cycles

    def play(self) -> Colluders:
        """Draw committees, and lie wherever friends can."""
        self._begin()
        draws = 0
        for draws in range(1, DRAWS + 1):
            drawn = keccak256(f"{self.world.seed} {self.share_bps} {draws}".encode())
            members = pools.select(self.pool, drawn, self.chain.by.seats)
            if self._can_lie(members):
                self._lie(draws, members)
            if len(self.standing_seconds) == LIES:
                break
        self.world.chain.check_coins()
        side, lies = (*sorted(self.friends), self.friend.name), len(self.standing_seconds)
        loss_wei = self.fees_wei - sum(map(self.chain.wealth_wei, side))
        gain_wei = self.fees_wei + lies * self._gain_wei()
        return Colluders(
            needed=self.chain.by.needed,
            seats=self.chain.by.seats,
            tactic=self.strategy.name,
            stake_share=self.share_bps / BPS,
            draws=draws,
            lies=lies,
            believed=self.believed,
            loss_wei=loss_wei,
            gain_wei=gain_wei,
            loss_over_gain=round(loss_wei / gain_wei, 3) if lies else None,
            standing_seconds=round(sum(self.standing_seconds) / max(lies, 1)),
        )

    def _gain_wei(self) -> int:
        """Of one lie that is believed, without fees."""
        spared_wei = self.max_cycles * self.world.assumptions.cycle_price_wei * self.chain.by.needed
        return self.world.assumptions.task_value_wei + self.reward_wei + spared_wei

    def _struck(self, event: jobs.Struck) -> None:
        self.standing_seconds.append(self.world.clock.now - self.lied_at)
        self.referee.fell(event)

    def _can_lie(self, members: Sequence[Address]) -> bool:
        """Whether friends are enough, and lead: an honest leader would claim what is true."""
        count = sum(member in self.friends for member in members)
        return count >= self.chain.by.needed and members[0] in self.friends

    def _begin(self) -> None:
        register = programs.Register(
            image_root=keccak256(b"program"), entry=0, max_cycles=self.max_cycles, workload=1,
            digest=keccak256(b"digest"), uri="",
        )  # fmt: skip
        self.world.chain.send(account(REQUESTER), register)
        for member in self.members:
            self.chain.pledge(member)
        self._add_operator(account(HONEST_OPERATOR), HONEST)

    def _add(self, node: Node, side: str) -> None:
        self.nodes[node.name] = node
        self.world.sides[node.name] = side

    def _add_operator(self, name: Address, strategy: Strategy) -> None:
        if name not in self.nodes:
            policy = WorkerPolicy(struck_tolerated=10**6)
            self._add(Operator(world=self.world, name=name, strategy=strategy, policy=policy), strategy.name)
            self.world.chain.send(name, operators.DepositFor(operator=name), STAKE_WEI)

    # --- one lie ------------------------------------------------------------------------------------

    def _lie(self, number: int, members: tuple[Address, ...]) -> None:
        """From the job's posting until everybody has what is its own."""
        world, chain, leader = self.world, self.chain, members[0]
        self._add_operator(leader, self.strategy)
        task_id = self._posted(number, members)
        truth, story = world.run_of(task_id), world.lie_of(task_id, leader)
        batch_id = self._take(leader, task_id)
        committee = self._committee(task_id, members)
        liars = [seat for seat, member in enumerate(members) if seat and member in self.friends]
        said = dict.fromkeys(liars[: chain.by.needed - 1], story)
        said.update({seat: truth for seat, member in enumerate(members) if member not in self.friends})
        self._commit(batch_id, committee, said)
        until = self._claim(leader, batch_id, story)
        self.lied_at = world.clock.now
        self._open(batch_id, committee, said)
        leaf_id = claim_of(batch_id, 0)
        if self.strategy is HUSHING:
            job_id = ids.job_of_task(task_id)
            job = world.chain.life.jobs[job_id]
            self._send(account(REQUESTER), jobs.Close(job_id=job_id, work=job.work, terms=job.terms))
        if self.strategy.friends:
            self.friend.open(leaf_id, truth.end_hash)
        self.challenger.watch(leaf_id, story, until)
        world.run()
        if not world.chain.life.batches[batch_id].struck:
            raise Bug("expected an honest challenger to strike a false claim within its window")
        if self.strategy is HUSHING:
            self._reward_without_result(leaf_id)
        else:
            result_id = self._do_again(batch_id, committee, task_id)
            self._charge(batch_id, result_id, committee, story)

    def _posted(self, number: int, members: tuple[Address, ...]) -> TaskId:
        """The only task of a job whose committee has these members."""
        world, by, requester = self.world, self.chain.by, account(REQUESTER)
        self._wait(self.world.assumptions.block_seconds)
        least = least_lease(by, 1, self.max_cycles, world.rules.cycles_per_second)
        order = Order(
            program_id=ids.ProgramId(1), program_hash=program_hash(world.chain.life.programs[0]),
            input_root=Bytes32(bytes(32)), input_size=0, input_uri="",
            seed=Bytes32(number.to_bytes(32, "big")), shard_count=1, reward=self.reward_wei, asset=NATIVE,
            lease_seconds=least, deadline=world.chain.now + 30 * DAY_SECONDS, window_seconds=0,
            bond_multiple=1, policy=POLICY,
            parameters_id=1, consumer=NOBODY, callback_gas=0, reducer_of=0,
        )  # fmt: skip
        self._send(requester, jobs.Post(order=order), self.reward_wei)
        job_id = ids.JobId(world.chain.life.job_count)
        job = world.chain.life.jobs[job_id]
        fees_wei = least_fee(by, self.max_cycles) * (by.seats - 1)
        self.chain.call(requester, contract.Fund(job_id=job_id, work=job.work, terms=job.terms), fees_wei)
        self._wait(self.world.assumptions.block_seconds)
        self.chain.seated = members
        self.chain.call(requester, contract.Draw(job_id=job_id))
        return ids.task_of(job_id, 0)

    @property
    def reward_wei(self) -> int:
        """What a job pays: twice what its run costs."""
        return 2 * self.max_cycles * self.world.assumptions.cycle_price_wei

    def _committee(self, task_id: TaskId, members: tuple[Address, ...]) -> Committee:
        digest = self.world.chain.life.jobs[ids.job_of_task(task_id)].digest
        return Committee(item=items_for((task_id,))[0].pack(), job_digest=digest, members=members)

    def _take(self, operator: Address, task_id: TaskId) -> BatchId:
        chain = self.world.chain
        items = tuple(item.pack() for item in items_for((task_id,)))
        root = tasks_root([(items[0], chain.life.jobs[ids.job_of_task(task_id)].digest)])
        take = jobs.Take(operator=operator, items=items, tasks_root=root, min_reward=0, min_until=0)
        self._send(operator, take)
        return BatchId(chain.life.batch_count)

    def _claim(self, operator: Address, batch_id: BatchId, story: Run) -> int:
        """Claim, once members have committed; the end of the window."""
        chain = self.world.chain
        self._wait(self.world.assumptions.block_seconds)
        terms = chain.life.batches[batch_id].terms
        self.world.told[batch_id, story.task_id] = story
        self._send(operator, jobs.Claim(batch_id=batch_id, terms=terms, leaves=_words(story)))
        return chain.life.batches[batch_id].until

    def _commit(self, batch_id: BatchId, committee: Committee, said: dict[int, Run]) -> None:
        self._wait(self.world.assumptions.block_seconds)
        terms = self.world.chain.life.batches[batch_id].terms
        for seat, story in said.items():
            member = committee.members[seat]
            if story.is_true:
                self.world.pay_cycles(member, story.cycles)
            commitment = commitment_of(member, batch_id, claims_root(_words(story)), _salt(member))
            call = contract.Commit(
                batch_id=batch_id, terms=terms, committee=committee, seat=seat, commitment=commitment
            )
            self.chain.call(member, call)

    def _open(self, batch_id: BatchId, committee: Committee, said: dict[int, Run]) -> None:
        """Friends confirm together; honest members show that they have found something else."""
        self._wait(self.world.assumptions.block_seconds)
        terms, members = self.world.chain.life.batches[batch_id].terms, committee.members
        openings = tuple(
            Opening(seat=seat, salt=_salt(members[seat])) for seat, story in said.items() if not story.is_true
        )
        confirm = contract.Confirm(batch_id=batch_id, terms=terms, committee=committee, openings=openings)
        before_wei = sum(self.chain.quorums.credits.values())
        self.chain.call(members[0], confirm)
        self.fees_wei += sum(self.chain.quorums.credits.values()) - before_wei
        self.believed += self.chain.quorums.sittings[batch_id].is_proven
        for seat, story in said.items():
            if story.is_true:
                dissent = contract.Dissent(
                    batch_id=batch_id, terms=terms, committee=committee, seat=seat,
                    root=claims_root(_words(story)), salt=_salt(members[seat]),
                )  # fmt: skip
                self.chain.call(members[seat], dissent)

    def _do_again(self, batch_id: BatchId, committee: Committee, task_id: TaskId) -> BatchId:
        """An honest operator does the task, and its claim becomes final."""
        world, honest = self.world, account(HONEST_OPERATOR)
        self._wait(self.world.assumptions.block_seconds)
        terms = world.chain.life.batches[batch_id].terms
        fail = contract.Fail(batch_id=batch_id, terms=terms, committee=committee)
        self.chain.call(self.challenger.name, fail)
        again = self._take(honest, task_id)
        until = self._claim(honest, again, world.run_of(task_id))
        last = until + stretch_of(self.chain.quorums, self.chain.by, again)
        self._wait(last + 1 - world.clock.now)
        batch = world.chain.life.batches[again]
        self._send(honest, jobs.Finalize(batch_id=again, terms=batch.terms, items=batch.items))
        self.referee.made_final(claim_of(again, 0), task_id)
        world.run()
        return again

    def _reward_without_result(self, leaf_id: LeafId) -> None:
        """The pot goes to whoever has shown another result, as nobody knows which is true (S7.5)."""
        self._wait(RESULT_LIMIT_SECONDS + DAY_SECONDS)
        games = self.world.chain.games.games
        for game_id in self.world.games_on[leaf_id]:
            game = games.get(game_id)
            if game is not None and game.stage == disputes.GameStage.SHOWN:
                self._send(game.challenger, disputes.RewardWithoutResult(game_id=game_id, game=game))

    def _charge(self, batch_id: BatchId, result_id: BatchId, committee: Committee, story: Run) -> None:
        """Somebody has each seat charged that has confirmed the lie: a friend, if that pays for it."""
        self._wait(self.world.assumptions.block_seconds)
        teller = self.friend.name if self.strategy.friends else self.challenger.name
        lie = self._said(batch_id, committee, story)
        result = self._said(result_id, committee, self.world.run_of(story.task_id))
        for seat in seats_in(self.chain.quorums.sittings[batch_id].confirmed):
            call = contract.ChargeLie(
                lie=lie, result=result, job_digest=committee.job_digest, members=committee.members, seat=seat
            )
            self.chain.call(teller, call)

    def _said(self, batch_id: BatchId, committee: Committee, story: Run) -> Said:
        """What the only claim of a batch says."""
        terms, leaf = self.world.chain.life.batches[batch_id].terms, leaf_of_state(story.stated)
        return Said(claim_id=claim_of(batch_id, 0), terms=terms, item=committee.item, leaf=leaf, leaf_path=())

    def _wait(self, seconds: int) -> None:
        clock = self.world.clock
        clock.now = self.world.chain.now = max(clock.now, self.world.chain.now) + seconds

    def _send(self, sender: Address, call: object, value_wei: int = 0) -> None:
        """One call of the other contracts; a refusal is an error of the simulation."""
        if self.world.chain.send(sender, call, value_wei) is None:
            raise Bug(f"expected {type(call).__name__} to be taken, got {self.world.chain.refusals}")


def colluders(
    rules: Parameters,
    assumed: Assumptions,
    seed: int,
    shares_bps: Sequence[int],
    by: Rules,
    admission: Admission = USUAL,
) -> list[Colluders]:
    """Each tactic in committees of each size, with each share of the pool."""
    found: list[Colluders] = []
    for needed, seats in SIZES:
        sized = replace(by, needed=needed, seats=seats)
        for tactic in TACTICS:
            for share_bps in shares_bps:
                chain = QuorumChain(
                    rules=rules, assumptions=assumed, seed=seed, by=sized, admission=admission
                )
                found.append(Bench(chain=chain, strategy=tactic, share_bps=share_bps).play())
    return found


def _words(story: Run) -> tuple[Bytes32, ...]:
    return words_of([leaf_of_state(story.stated)])


def _salt(member: Address) -> Bytes32:
    return keccak256(member.encode())
