"""Every coin of a scenario: where it came from, where it is now, and who lost any of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lab.anvil import address_of
from truestep.adapters.chain.codec import decode_output, encode_function
from truestep.base.ids import Address, JobId, task_of
from truestep.protocol.calls import NATIVE
from truestep.protocol.events import ClaimStruck, GameOpened, GameSettled, LeaseExpired
from truestep.protocol.records import GameStage, TaskStage
from truestep.protocol.settlement.contracts import disputes

if TYPE_CHECKING:
    from tests.lab.world import World

HOLDERS = ("Operators", "Jobs", "Disputes")
"""Contracts that hold coins."""
_RUNNING = (disputes.GameStage.ON_NODE, disputes.GameStage.STEP_DUE, disputes.GameStage.REVEAL_DUE)
"""Stages of games that hold bonds."""


@dataclass(frozen=True)
class Party:
    """One account at the end, in wei."""

    name: str
    funded_wei: int
    wallet_wei: int
    stake_wei: int
    credits_wei: int
    bonds_wei: int
    """In games that are not settled."""
    gas_wei: int

    @property
    def net_wei(self) -> int:
        """What it gained or lost, gas aside."""
        kept_wei = self.wallet_wei + self.stake_wei + self.credits_wei + self.bonds_wei
        return kept_wei + self.gas_wei - self.funded_wei


@dataclass(frozen=True)
class Losses:
    """What honest parties lost beyond gas."""

    bonds: int
    """Bonds of claims struck and of disputes lost."""
    lost_wei: int
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Books:
    """All coins of one scenario."""

    parties: tuple[Party, ...]
    holders_wei: dict[str, int]
    owed_wei: dict[str, int]
    """What each contract owes, and what was burned there."""
    left_wei: int
    """In deployments that the scenario has moved away from."""
    tips_wei: int
    base_fees_wei: int

    def faults(self) -> list[str]:
        """Where coins are missing or too many; empty if all are accounted for."""
        funded_wei = sum(party.funded_wei for party in self.parties)
        found_wei = sum(party.wallet_wei for party in self.parties) + sum(self.holders_wei.values())
        found_wei += self.tips_wei + self.base_fees_wei + self.left_wei
        faults = (
            [] if found_wei == funded_wei else [f"{funded_wei} wei were given, {found_wei} wei are found"]
        )
        for name in HOLDERS:
            if self.holders_wei[name] != self.owed_wei[name]:
                faults.append(f"{name} holds {self.holders_wei[name]} wei and owes {self.owed_wei[name]} wei")
        return faults


def open_books(world: World) -> Books:
    """Count everything. Nothing may be mined meanwhile."""
    gas_wei, base_fees_wei, miners = _fees(world)
    anvil = world.anvil
    bonds_wei = _bonds_in_games(world)
    parties = [
        _party(world, name, gas_wei[address_of(name).lower()], bonds_wei[address_of(name)])
        for name in anvil.funded_wei
    ]
    addresses = {name: world.contracts.deployment.address(name) for name in HOLDERS}
    return Books(
        parties=tuple(parties),
        holders_wei={name: _balance(world, address) for name, address in addresses.items()},
        owed_wei=_owed(world, parties, sum(bonds_wei.values())),
        left_wei=sum(
            _balance(world, left.deployment.address(name)) for left in world.left for name in HOLDERS
        ),
        tips_wei=sum(_balance(world, miner) for miner in miners),
        base_fees_wei=base_fees_wei,
    )


def losses_of(world: World, honest: Collection[str]) -> Losses:
    """The bonds and penalties that honest parties paid, from the events. All jobs have the simple bond."""
    names: dict[str | None, str] = {address_of(name): name for name in honest}
    bond_wei = world.parameters.challenger_bond_wei
    bonds, lost_wei, sentences = 0, 0, list[str]()
    for struck in world.history.all(ClaimStruck):
        if struck.operator in names:
            bonds, lost_wei = bonds + 1, lost_wei + world.parameters.operator_bond_wei
            sentences.append(f"{names[struck.operator]} lost the bond of a claim")
    challengers = {opened.game_id: opened.challenger for opened in world.history.all(GameOpened)}
    for settled in world.history.all(GameSettled):
        challenger = challengers.get(settled.game_id)
        if settled.stage is GameStage.OPERATOR_WON and challenger in names:
            bonds, lost_wei = bonds + 1, lost_wei + bond_wei
            sentences.append(f"{names[challenger]} lost the bond of a dispute")
    for expired in world.history.all(LeaseExpired):
        if expired.operator in names:
            lost_wei += expired.penalty_wei
            sentences.append(f"{names[expired.operator]} missed a lease")
    return Losses(bonds, lost_wei, tuple(sentences))


def ask(world: World, contract: str, function: str, *arguments: Any) -> Any:
    """Read a contract."""
    deployment, web3 = world.contracts.deployment, world.web3
    payload = encode_function(web3, contract, function, arguments)
    request = {"to": deployment.address(contract), "data": f"0x{payload.hex()}"}
    output = bytes.fromhex(world.anvil.ask("eth_call", request, "latest")[2:])
    return decode_output(web3, contract, function, output)


def _party(world: World, name: str, gas_wei: int, bonds_wei: int) -> Party:
    account = address_of(name)
    stake_wei, _ = ask(world, "Operators", "accounts", account)
    credits_wei = ask(world, "Jobs", "credits", NATIVE, account) + ask(world, "Disputes", "credits", account)
    return Party(
        name=name,
        funded_wei=world.anvil.funded_wei[name],
        wallet_wei=_balance(world, account),
        stake_wei=stake_wei,
        credits_wei=credits_wei,
        bonds_wei=bonds_wei,
        gas_wei=gas_wei,
    )


def _owed(world: World, parties: list[Party], bonds_wei: int) -> dict[str, int]:
    accounts = [address_of(party.name) for party in parties]
    rewards_wei = sum(ask(world, "Jobs", "credits", NATIVE, account) for account in accounts)
    winnings_wei = sum(ask(world, "Disputes", "credits", account) for account in accounts)
    facts, _ = world.reader.newest_facts()
    pots_wei = sum(dispute.claim.pot_wei for dispute in facts.disputes.values())
    burned_wei = {name: ask(world, name, "burned_wei") for name in ("Operators", "Disputes")}
    return {
        "Operators": sum(party.stake_wei for party in parties) + burned_wei["Operators"],
        "Jobs": _escrow(world) + rewards_wei,
        "Disputes": bonds_wei + pots_wei + winnings_wei + burned_wei["Disputes"],
    }


def _escrow(world: World) -> int:
    """Rewards of tasks that are neither paid nor refunded."""
    escrow_wei = 0
    for number in range(1, ask(world, "Jobs", "job_count") + 1):
        job = world.reader.job(JobId(number))
        for shard in range(job.shard_count):
            stage = world.reader.task(task_of(JobId(number), shard)).stage
            if job.reward and stage not in (TaskStage.FINAL, TaskStage.REFUNDED):
                escrow_wei += job.reward
    return escrow_wei


def _bonds_in_games(world: World) -> Counter[Address]:
    """Bonds of challengers and sponsors in games that were not settled."""
    held: Counter[Address] = Counter()
    for game in world.reader.newest_facts()[0].games.values():
        if game.stage in _RUNNING:
            held[game.challenger] += game.bond_wei
            held[game.defender] += game.sponsor_bond_wei
    return held


def _fees(world: World) -> tuple[Counter[str], int, set[str]]:
    """Gas paid by each account, base fees burned, and who mined."""
    gas_wei: Counter[str] = Counter()
    base_fees_wei, miners = 0, set[str]()
    for number in range(world.anvil.number() + 1):
        block = world.anvil.ask("eth_getBlockByNumber", hex(number), False)
        miners.add(block["miner"])
        if not block["transactions"]:
            continue
        base_fees_wei += int(block["baseFeePerGas"], 16) * int(block["gasUsed"], 16)
        for receipt in world.anvil.ask("eth_getBlockReceipts", hex(number)):
            paid_wei = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            gas_wei[receipt["from"].lower()] += paid_wei
    return gas_wei, base_fees_wei, miners


def _balance(world: World, address: str) -> int:
    return int(world.anvil.ask("eth_getBalance", address, "latest"), 16)
