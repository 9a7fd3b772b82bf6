"""The chain of the simulation: the protocol's model, everybody's coins, and a clock that is moved."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from truestep.base.errors import Bug
from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId, job_of_task
from truestep.protocol.records import JobRecord
from truestep.protocol.settlement.apply import apply
from truestep.protocol.settlement.contracts import disputes, jobs, operators
from truestep.protocol.settlement.dispute_apply import apply_dispute, held_by
from truestep.protocol.settlement.disputes import Disputes, GameMessage, Proved
from truestep.protocol.settlement.effects import Effect, Transfer
from truestep.protocol.settlement.ids import NATIVE, LeafId, unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.standing import USUAL, Admission
from truestep.protocol.settlement.state import Deployment, LifeCycle
from truestep.protocol.versions import Versions
from truestep.simulation.economy.assumptions import GAS, REFUSED_GAS

START = 1_700_000_000
"""The first second of the virtual clock."""
_DISPUTE_CALLS = frozenset(
    {
        disputes.Open,
        disputes.Adopt,
        disputes.Refute,
        disputes.Split,
        disputes.Pick,
        disputes.Step,
        disputes.Settle,
        disputes.Show,
        disputes.Reward,
        disputes.RewardWithoutResult,
        disputes.WithdrawTo,
    }
)
Listener = Callable[[Any], None]


def account(number: int) -> Address:
    """An address of digits alone, which is its own checksum."""
    return Address(f"0x{number:040d}")


def deployment_of(admission: Admission = USUAL) -> Deployment:
    """The contracts' addresses, and what they ask of operators."""
    return Deployment(
        admission=admission,
        chain_id=1,
        operators=account(101),
        jobs=account(102),
        disputes=account(103),
        assurances=account(104),
        owner=account(105),
        guardian=account(106),
        guardian_until=START,
    )


@dataclass(slots=True)
class Tally:
    """What one account, or all of one side, has lost and won, apart from what it still holds."""

    gas_wei: int = 0
    dispute_gas_wei: int = 0
    forfeited_wei: int = 0
    """Stake that was burned or seized."""
    compute_wei: int = 0
    refused: int = 0
    """Calls that came too late."""


@dataclass(kw_only=True)
class Chain:
    """All state of a run. Every coin moves by an effect of the model."""

    rules: Parameters
    gas_price_wei: int
    deployment: Deployment = field(default_factory=deployment_of)
    now: int = START
    events: int = 0
    """Logs that the contracts would have written."""
    calls: Counter[str] = field(default_factory=Counter[str])
    refusals: Counter[str] = field(default_factory=Counter[str])
    coins: defaultdict[Address, int] = field(default_factory=lambda: defaultdict[Address, int](int))
    """What each account has more than at first, gas apart."""
    tallies: defaultdict[Address, Tally] = field(default_factory=lambda: defaultdict[Address, Tally](Tally))
    tasks: dict[BatchId, tuple[TaskId, ...]] = field(default_factory=dict[BatchId, tuple[TaskId, ...]])
    """Of each batch, by leaf."""
    leaves: dict[BatchId, tuple[Bytes32, ...]] = field(default_factory=dict[BatchId, tuple[Bytes32, ...]])
    """Three words for each leaf of a claimed batch."""
    splits: dict[Bytes32, tuple[Bytes32, ...]] = field(default_factory=dict[Bytes32, tuple[Bytes32, ...]])
    """The hashes inside a node."""
    listeners: dict[type, Listener] = field(default_factory=dict[type, Listener])
    records: dict[JobId, JobRecord] = field(default_factory=dict[JobId, JobRecord])
    """Jobs as roles read them."""
    record: list[GameMessage] | None = None
    """All calls in their order, if somebody wants to play them again."""

    def __post_init__(self) -> None:
        """Begin with nothing but the rules."""
        self.life = LifeCycle(
            deployment=self.deployment,
            parameters=(self.rules,),
            stakes=Versions({}),
            jobs=Versions({}),
            batches=Versions({}),
            credits=Versions({}),
        )
        self.games = Disputes(
            games=Versions({}),
            claims=Versions({}),
            ordinals=Versions({}),
            splits=Versions({}),
            shown=Versions({}),
            dissents=Versions({}),
            held=Versions({}),
            credits=Versions({}),
        )

    def send(
        self, sender: Address, call: object, value_wei: int = 0, proved: Proved | None = None
    ) -> tuple[Effect, ...] | None:
        """Make a call now; its effects, or None if it was refused. Gas is paid either way."""
        kind, tally = type(call), self.tallies[sender]
        is_dispute = kind in _DISPUTE_CALLS
        message = Message(sender=sender, now=self.now, call=call, value_wei=value_wei)
        if self.record is not None:
            self.record.append(GameMessage(message=message, base_fee_wei=self.gas_price_wei, proved=proved))
        try:
            if is_dispute:
                given = GameMessage(message=message, base_fee_wei=self.gas_price_wei, proved=proved)
                self.games, self.life, effects = apply_dispute(self.games, self.life, given)
            else:
                self.life, effects = apply(self.life, message, held_by(self.games))
        except Refused as refused:
            self.refusals[f"{kind.__name__}: {refused.reason}"] += 1
            tally.refused += 1
            self._pay_gas(tally, REFUSED_GAS, is_dispute=is_dispute)
            return None
        name = kind.__name__
        self.calls[name] += 1
        self._pay_gas(tally, GAS[name], is_dispute=is_dispute)
        for effect in effects:
            self.take_in(effect)
        return effects

    def _pay_gas(self, tally: Tally, gas: int, *, is_dispute: bool) -> None:
        cost_wei = gas * self.gas_price_wei
        tally.gas_wei += cost_wei
        if is_dispute:
            tally.dispute_gas_wei += cost_wei

    def take_in(self, effect: object) -> None:
        """Move its coins, or remember it and tell whoever listens."""
        kind = type(effect)
        if kind is Transfer:
            self._move(cast(Transfer, effect))
            return
        self.events += 1
        note = _NOTES.get(kind)
        if note is not None:
            note(self, effect)
        listener = self.listeners.get(kind)
        if listener is not None:
            listener(effect)

    def _move(self, transfer: Transfer) -> None:
        self.coins[transfer.sender] -= transfer.amount
        self.coins[transfer.receiver] += transfer.amount

    def note_forfeit(self, event: operators.Burned | operators.Seized) -> None:
        """Stake is gone."""
        self.tallies[event.operator].forfeited_wei += event.amount_wei

    def note_taken(self, event: jobs.Taken) -> None:
        """Which tasks a batch has."""
        items = map(unpack_item, event.items)
        self.tasks[event.batch_id] = tuple(
            item.task(leaf) for item in items for leaf in range(item.offset, item.offset + item.count)
        )

    def note_claimed(self, event: jobs.Claimed) -> None:
        """What a batch claims."""
        self.leaves[event.batch_id] = event.leaves

    def note_split(self, event: disputes.SplitMade) -> None:
        """The hashes inside a node."""
        self.splits[event.node] = event.hashes

    def forget(self, batch_id: BatchId) -> None:
        """Drop what nobody asks for once a batch is over."""
        self.leaves.pop(batch_id, None)
        for task_id in self.tasks[batch_id]:
            self.records.pop(job_of_task(task_id), None)

    def wealth_wei(self, name: Address) -> int:
        """What an account has more than at first: coins, stake and credits, less its gas."""
        stake = self.life.stakes.get(name)
        return (
            self.coins[name]
            + (stake.stake_wei if stake is not None else 0)
            + self.life.credits.get((NATIVE, name), 0)
            + self.games.credits.get(name, 0)
            - self.tallies[name].gas_wei
        )

    def leaf_of(self, batch_id: BatchId, task_id: TaskId) -> LeafId:
        """The claim of a task in a batch."""
        return LeafId(batch_id << 8 | self.tasks[batch_id].index(task_id))

    def check_coins(self) -> None:
        """No coin was made or lost: what contracts hold is what they owe, have locked or have burned."""
        deployment, life, games = self.deployment, self.life, self.games
        stakes_wei = sum(stake.stake_wei for stake in life.stakes.values()) + life.burned_wei
        bonds_wei = sum(
            game.bond_wei + game.sponsor_bond_wei
            for game in games.games.values()
            if game.stage <= disputes.GameStage.REVEAL_DUE
        )
        pots_wei = sum(claim.pot_wei for claim in games.claims.values())
        held_wei = bonds_wei + pots_wei + sum(games.credits.values()) + games.burned_wei
        if self.coins[deployment.operators] != stakes_wei or self.coins[deployment.disputes] != held_wei:
            raise Bug("expected the contracts to hold what they owe, have locked and have burned")
        if sum(self.coins.values()):
            raise Bug("expected coins to move only")


_NOTES: Mapping[type, Callable[[Chain, Any], None]] = {
    operators.Burned: Chain.note_forfeit,
    operators.Seized: Chain.note_forfeit,
    jobs.Taken: Chain.note_taken,
    jobs.Claimed: Chain.note_claimed,
    disputes.SplitMade: Chain.note_split,
}
"""What is remembered of events, by their kind."""
