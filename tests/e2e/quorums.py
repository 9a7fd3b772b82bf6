"""A network that draws committees, and its members."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace

from web3 import Account

from tests.e2e.drawn import DrawnNetwork
from tests.e2e.network import COIN_WEI, PARAMETERS, SPEED, InlineExecutor, Log, ManualClock
from truestep.adapters.members.asking import PublishedMembers
from truestep.adapters.members.serving import WordServer
from truestep.adapters.members.wire import AccountPen, Court
from truestep.base.errors import Reject
from truestep.base.ids import Address, JobId
from truestep.client.endpoints import PublishedEndpoints
from truestep.client.operator_records import OperatorRecord
from truestep.commitments.keccak import keccak256
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.handover import Handing, MembersBench
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine
from truestep.protocol.bisection import part_siblings
from truestep.protocol.quorum.state import Seated
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.games import arity_of
from truestep.protocol.settlement.ids import LeafId, batch_of_claim
from truestep.protocol.settlement.parameters import DAY_SECONDS
from truestep.roles.worker import WorkerPolicy

MEMBERS = ("ada", "bob", "cyd", "dan", "eve")


@dataclass
class Seconds:
    """A second for every round, so that who waits to ask again does."""

    clock: ManualClock

    def tick(self) -> None:
        self.clock.seconds += 1


@dataclass
class QuorumNetwork(DrawnNetwork):
    """A network with committees of five, of which three are a quorum."""

    servers: dict[str, WordServer] = field(default_factory=dict)

    @property
    def seconds(self) -> Seconds:
        """Time that passes while everybody acts."""
        return Seconds(self.clock)

    @property
    def court(self) -> Court:
        """Where members sit."""
        return Court(chain_id=self.deployment.chain_id, quorums=self.deployment.address("Quorums"))

    def member(
        self, name: str, log: Log, engine: Engine | None = None, *, hands_over: bool = False, **policy: int
    ) -> Daemon:
        """A worker that sits on committees; it may hand over what it says."""
        world = self.world(name, self.store(name), log, engine or ReferenceEngine())
        if hands_over:
            world = replace(world, handing=self._handing(name))
        chosen = replace(WorkerPolicy(speed=SPEED, turn_seconds=0), **policy)
        return worker_node(world, chosen, is_member=True)

    def _handing(self, name: str) -> Handing:
        if name not in self.servers:
            self.servers[name] = WordServer(self.court)
            self.publish(name, self.servers[name].url)
        endpoints = PublishedEndpoints([str(self.devnet.node)], self.deployment)
        members = PublishedMembers(endpoints, self.court, may_be_private=True)
        return Handing(
            asking=InlineExecutor(MembersBench(members).perform),
            pen=AccountPen(Account.from_key(keccak256(name.encode())), self.court),
            board=self.servers[name],
        )

    def publish(self, name: str, endpoint: str) -> None:
        """The record of an operator, which says where it is reached."""
        record = OperatorRecord(
            chain_id=self.deployment.chain_id,
            contract=self.deployment.address("Operators"),
            operator=self.account(name),
            revision=1,
            name=name,
            endpoints=[endpoint],
            valid_from=self.now,
            valid_until=self.now + 30 * DAY_SECONDS,
        )
        signed = record.signed_by(Account.from_key(keccak256(name.encode())))
        self.transact(name, "Operators", "publish", signed.to_bytes())

    def stop_servers(self) -> None:
        """Nobody is reached any more."""
        for server in self.servers.values():
            server.close()

    def committee(self, job_id: JobId) -> Seated:
        """Who was drawn for a job."""
        return self._newest_facts().committees[job_id]

    def name_of(self, account: Address) -> str:
        """Which member an account is."""
        return next(name for name in MEMBERS if self.account(name) == account)

    def owed_by_quorums(self, name: str) -> int:
        """What a member has earned and not withdrawn."""
        return self.ask("Quorums", "credits", self.account(name))

    def lose(self, claim_id: LeafId, leader: str, witness: bytes) -> None:
        """Its operator splits a claim falsely from the first state on, and a friend has a step strike it."""
        facts, salt = self._newest_facts(), keccak256(b"salt")
        self.devnet.fund(self.account("friend"), COIN_WEI)
        terms = facts.batches[batch_of_claim(claim_id)].batch.terms
        proof = leaf_proof(facts, claim_id, Reject.OVER)
        commitment = keccak256(encode(self.account("friend"), salt, salt))
        arguments = (claim_id, astuple(terms), astuple(proof), commitment)
        self.transact("friend", "Disputes", "open", *arguments, value_wei=PARAMETERS.challenger_bond_wei)
        ((game_id, game),) = self._newest_facts().games.items()
        while game.high - game.low > 1:
            arity, length = arity_of(game), game.high - game.low
            inner = [keccak256(bytes([part])) for part in range(1, min(arity, length))]
            ends = (game.low, game.high, game.low_hash, game.high_hash)
            self.transact(leader, "Disputes", "split", claim_id, game.defender, arity, *ends, inner)
            hashes = [game.low_hash, *inner, game.high_hash]
            part = (0, hashes[0], hashes[1], part_siblings(hashes, arity, 0))
            self.transact("friend", "Disputes", "pick", game_id, astuple(game), *part)
            game = self._newest_facts().games[game_id]
        self.transact("friend", "Disputes", "step", game_id, astuple(game), witness)

    def _newest_facts(self) -> Facts:
        self.requester.refresh()
        return self.requester.facts()
