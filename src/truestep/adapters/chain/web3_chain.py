"""The chain port with web3.py: reads of logs and contracts, sends through the transaction manager."""

import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import astuple, dataclass

from truestep.adapters.chain import record_codec
from truestep.adapters.chain.answers import octets
from truestep.adapters.chain.book import Book, Checkpoint
from truestep.adapters.chain.checkpoints import CheckpointStore
from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of, reverted
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.endpoints import Patience, Question
from truestep.adapters.chain.erc20 import holding_of, holding_questions
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.follower import Follower, block_hashes
from truestep.adapters.chain.inquiries import Inquirer, balance_questions, balances_of
from truestep.adapters.chain.inspection import Finding, inspect
from truestep.adapters.chain.logs import LogReader
from truestep.adapters.chain.pinned import AtBlock, PinnedReader, given
from truestep.adapters.chain.sender import Sender, Signer
from truestep.adapters.chain.sent_calls import read_call
from truestep.adapters.chain.settlement import EventDecoder, encode_call, genesis_facts
from truestep.adapters.chain.task_proofs import proven_by, read_proof
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import (
    Address,
    BatchId,
    Bytes32,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    job_of_task,
    task_in_words,
)
from truestep.machine.micro import rom_root
from truestep.ports.chain import (
    Balances,
    Blocks,
    Counters,
    Head,
    Inquiry,
    Outcome,
    Records,
    TaskProof,
    TaskResult,
    TokenHolding,
    Transaction,
)
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store
from truestep.protocol.availability.contracts.keepers import Keeper
from truestep.protocol.availability.ids import KeeperId
from truestep.protocol.calls import ONCE, URGENT, Call
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import GameRecord, JobRecord, Parameters, ProgramRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.facts.evidence import Evidence, evidence_in, evidence_of
from truestep.protocol.settlement.facts.judging import is_proven
from truestep.protocol.settlement.facts.kept_items import JobItems, items_of_job
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.calls import prepared_call
from truestep.protocol.settlement.tasks.duties import Duty, duties
from truestep.protocol.settlement.tasks.records import game_record, job_record, newest_rules, program_record
from truestep.protocol.settlement.tasks.standing import Standing

NOT_KNOWN_YET = (
    Reject.OVER,
    Reject.PROGRAM_UNKNOWN,
    Reject.JOB_UNKNOWN,
    Reject.BATCH_STAGE,
    Reject.CLAIM_UNKNOWN,
    Reject.GAME_UNKNOWN,
    Reject.GAME_STAGE,
)
"""Refusals that a log explains that a lagging node did not have yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is kept of what is finished."""

    keeps_finished: bool = True
    """A client keeps all, and reads up to the newest block whenever it is asked. A daemon reads by `blocks`,
    forgets what is finished, and begins where it was."""
    wanted_by: frozenset[Address] | None = None
    """Requesters and consumers whose results are to be written out by this account; None: everybody."""


EVERYTHING = Memory()

SENT, LANDED = "transact_sent", "transact_landed"
"""Reports of `transact`: a transaction is waited for, and is in a block."""
_CAPITAL = re.compile("[A-Z]")


class Web3Chain:
    """Satisfies `truestep.ports.chain.Chain`. Reads may come from any thread.

    Every question to the contracts is of one block, the newest when it is asked. Answers that can cost a bond
    come from two endpoints where there are two.
    """

    def __init__(
        self,
        node: Node,
        deployment: Deployment,
        signer: Signer,
        store: Store,
        policy: TransactionPolicy | None = None,
        *,
        reporter: Reporter | None = None,
        patience: Patience | None = None,
        memory: Memory = EVERYTHING,
    ) -> None:
        """Connect to `node` (URLs, or a devnet's provider); transactions are journaled in `store`.

        `reporter` is told about the state of the endpoints, and for what `transact` waits. What is finished
        is kept in `memory`, or not.

        Raises `Unavailable` if no node answers, `Rejected` if it is of another chain or has no contracts
        where the deployment says.
        """
        self._web3 = connect(node, reporter, patience)
        self._endpoints = endpoints_of(self._web3)
        self._deployment = deployment
        self._pinned = PinnedReader(self._web3, deployment)
        check_chain(self._web3, deployment.chain_id)
        self._check_contracts()
        self._endpoints.expect_contract("Jobs", deployment.address("Jobs"))
        self._sender = Sender(self._web3, deployment.chain_id, signer, store, policy or TransactionPolicy())
        genesis = Checkpoint(
            block_number=deployment.block_number - 1,
            block_hash=None,
            facts=genesis_facts(deployment, memory.wanted_by),
        )
        self._reporter = reporter
        self._keeps_finished = memory.keeps_finished
        reader = LogReader(self._web3, EventDecoder(deployment))
        kept = None if memory.keeps_finished else CheckpointStore(store, genesis.facts)
        self._follower = Follower(
            self._endpoints, reader, genesis, keeps_all=memory.keeps_finished, kept=kept
        )

    # --- sends --------------------------------------------------------------------------------------------

    @property
    def account(self) -> Address:
        """The account that sends."""
        return self._sender.account

    @property
    def first_block(self) -> int:
        """The block of the deployment."""
        return self._deployment.block_number

    def submit(self, call: Call, *, intent: str) -> Transaction:
        """Journal, sign and send; returns at once."""
        known = self._sender.again(intent)
        if known is not None:
            return known.transaction()
        message = encode_call(self._deployment, self._prepared(call))
        is_urgent, is_once = isinstance(call, URGENT), isinstance(call, ONCE)
        return self._sender.submit(message, intent, is_urgent=is_urgent, is_once=is_once).transaction()

    def _prepared(self, call: Call) -> Ready:
        """The contracts' call by the newest facts. Raises `Rejected` if they would refuse it."""
        facts = self._book.facts
        answer: Ready | Reject = Reject.OVER
        for _ in range(2):
            before = facts
            facts, now = self.newest_facts()
            answer = prepared_call(facts, Caller(account=self.account, now=now), call)
            if isinstance(answer, Ready):
                return answer
            if answer not in NOT_KNOWN_YET or facts is before:
                break
        raise Rejected(
            answer,
            f"the contracts would refuse {type(call).__name__} as things stand; nothing was sent",
        )

    def newest_facts(self) -> tuple[Facts, int]:
        """What is known at the head, and its second: the one in which nodes simulate a call."""
        try:
            head, facts = self._follower.refresh()
        except Unavailable:
            head, facts = self._endpoints.board.best_head(), self._book.facts
            if head is None or not facts.parameters:
                raise
        return facts, head.time_seconds

    def refresh(self) -> tuple[Transaction, ...]:
        """Check everything that is pending."""
        return tuple(entry.transaction() for entry in self._sender.refresh())

    def alarms(self) -> tuple[str, ...]:
        """The problems of sends since the last call."""
        return self._sender.alarms()

    def gas_price_wei(self) -> int:
        """What a unit of gas costs now, tip included."""
        return self._sender.gas_price_wei()

    def transaction(self, intent: str) -> Transaction | None:
        """The outcome of an intent."""
        entry = self._sender.entry(intent)
        return entry.transaction() if entry else None

    def transact(self, call: Call, *, intent: str, deadline_seconds: float = 300.0) -> Transaction:
        """`submit`, then wait until it is confirmed."""
        self.submit(call, intent=intent)
        self._say(SENT, call)
        transaction = self._sender.wait(intent, deadline_seconds).transaction()
        self._say(LANDED, call)
        if transaction.outcome is Outcome.REVERTED:
            raise reverted(
                transaction.reason, f" ({intent}, transaction 0x{transaction.transaction_hash.hex()})"
            )
        return transaction

    def _say(self, kind: str, call: Call) -> None:
        if self._reporter is not None:
            self._reporter.report(kind, call_in_words(call))

    # --- what events say ----------------------------------------------------------------------------------

    @property
    def _book(self) -> Book:
        return self._follower.book

    def facts(self) -> Facts:
        """What is known: to the newest block for clients. A daemon asks once, and then reads by `blocks`.

        After a restart `blocks` says nothing of what was known before, until there is another block.
        """
        if self._keeps_finished or not self._book.has_read or not self._book.facts.parameters:
            self._follower.refresh()
        return self._book.facts

    def parameters(self) -> Parameters:
        """The newest rules."""
        facts = self.facts()
        if not facts.parameters:
            raise Unavailable("the node gives no event of Parameters; another node with --rpc may have them")
        return newest_rules(facts)

    def program(self, program_id: ProgramId) -> ProgramRecord:
        """A registered program."""
        found = program_record(self.facts(), program_id)
        if found is None:
            raise Rejected(Reject.PROGRAM_UNKNOWN, f"no program {program_id} is registered; check the id")
        return found

    def job(self, job_id: JobId) -> JobRecord:
        """A posted job; a daemon knows those that are not over."""
        facts = self.facts()
        found = self._book.table.job(job_id) if self._keeps_finished else job_record(facts, job_id)
        if found is None:
            raise _unknown_job(facts, job_id)
        return found

    def task(self, task_id: TaskId) -> TaskRecord:
        """A task as it stands; the job must exist."""
        facts = self.facts()
        found = self._known_tasks([task_id]).get(task_id)
        if found is None:
            raise _unknown_job(facts, job_of_task(task_id))
        return found

    def tasks(self, task_ids: Collection[TaskId]) -> dict[TaskId, TaskRecord]:
        """Tasks as they stand; those of unknown jobs are left out."""
        self.facts()
        return self._known_tasks(task_ids)

    def _known_tasks(self, task_ids: Collection[TaskId]) -> dict[TaskId, TaskRecord]:
        book = self._book
        known = book.table if self._keeps_finished else Standing(book.facts)
        found = ((task_id, known.task(task_id)) for task_id in task_ids)
        return {task_id: task for task_id, task in found if task is not None}

    def result(self, task_id: TaskId) -> TaskResult:
        """A task's result as contracts read it: one that was written out, or that a proof shows."""
        written = self._pinned.one(record_codec.result(task_id), is_confirmed=True)
        if written.is_final:
            return written
        with suppress(Rejected):
            evidence = self.evidence(task_id)
            proof = (evidence.claim_id, astuple(evidence.terms), astuple(evidence.proof))
            return self._pinned.one(record_codec.checked_leaf(*proof), is_confirmed=True)
        return written

    def evidence(self, task_id: TaskId) -> Evidence:
        """What a contract needs to check a task's result; a daemon has it until the batch is over."""
        facts = self.facts()
        task = self._known_tasks([task_id]).get(task_id)
        if task is not None and task.stage is TaskStage.FINAL:
            found = evidence_of(facts, task_id, task.batch_id) or evidence_in(
                facts.deployment, self._book.logs(), task_id, task.batch_id
            )
            if found is not None:
                return found
        if task is not None and task.stage is TaskStage.CLAIMED:
            found = evidence_of(facts, task_id, task.batch_id)
            if found is not None and is_proven(facts, found.claim_id, self.head().time_seconds):
                return found
        is_refunded = task is not None and task.stage is TaskStage.REFUNDED
        why = "was refunded and will never have a result" if is_refunded else "has no final result yet"
        raise Rejected(Reject.LEAF_NOT_FINAL, f"{task_in_words(task_id)} {why}")

    def proof_of(self, task_id: TaskId, claim_id: LeafId) -> TaskProof | None:
        """How a claim on a task was proven; a daemon does not know."""
        facts = self.facts()
        logged = proven_by(self._book.logs(), task_id, claim_id)
        return None if logged is None else read_proof(self._endpoints, self._pinned, facts, logged)

    def call_in(self, transaction_hash: Bytes32) -> bytes:
        """The call of an old transaction."""
        return read_call(self._endpoints, transaction_hash)[1]

    def items_of_job(self, job_id: JobId, batch_ids: Collection[BatchId]) -> JobItems | None:
        """The items that hold a job's data; a daemon knows those that it has read about."""
        self.facts()
        return items_of_job(self._book.logs(), job_id, batch_ids)

    def games(self, game_ids: Collection[GameId], now: int) -> dict[GameId, GameRecord]:
        """Games as they stand at a second; those that are over, or unknown, are left out."""
        facts = self.facts()
        found = ((game_id, game_record(facts, game_id, now)) for game_id in game_ids)
        return {game_id: game for game_id, game in found if game is not None}

    def duties(self, now: int) -> tuple[Duty, ...]:
        """What is left to do besides moves."""
        return duties(self.facts(), self.account, now)

    def stopped_until(self) -> int:
        """Until when the guardian keeps batches from ending; 0 if it never has."""
        return self.facts().stopped_until

    def is_claimed(self, batch_id: BatchId) -> bool:
        """Whether a batch is claimed and not final."""
        known = self.facts().batches.get(batch_id)
        return known is not None and known.batch.stage is BatchStage.CLAIMED

    def events(self, from_block: int, to_block: int) -> tuple[ChainEvent, ...]:
        """What these blocks tell, in order."""
        return self.blocks(from_block, to_block).events

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        """What these blocks tell, and the hashes of those whose headers were read along."""
        return self._follower.blocks(from_block, to_block)

    def forget_after(self, block_number: int) -> None:
        """Later blocks are of another branch now."""
        self._follower.forget_after(block_number)

    # --- what nodes and contracts say ---------------------------------------------------------------------

    def head(self) -> Head:
        """The newest block."""
        return self._endpoints.head()

    def block_hash(self, number: int) -> Bytes32 | None:
        """The hash of block `number`; None beyond the head."""
        return self.block_hashes([number]).get(number)

    def block_hashes(self, numbers: Collection[int]) -> dict[int, Bytes32]:
        """The hashes of these blocks; those beyond the head are left out."""
        return block_hashes(self._endpoints, numbers)

    def counters(self) -> Counters:
        """How many programs, jobs and batches there are."""
        inquirer = Inquirer(self._pinned, self._book.facts, {})
        questions = inquirer.questions(Inquiry(has_counters=True))
        counters = inquirer.records(self._pinned.ask(questions, is_confirmed=True), 0).counters
        return counters or Counters(program_count=0, job_count=0, batch_count=0)

    def records(self, inquiry: Inquiry, block_number: int) -> Records:
        """What the contracts say as of a block, or of a newer one with a transaction of our own."""
        facts = self.facts() if self._keeps_finished else self._book.facts
        inquirer = Inquirer(self._pinned, facts, self._known_tasks(inquiry.tasks))
        questions = inquirer.questions(inquiry)
        answers = self._pinned.ask_at(block_number, questions) if questions else []
        head = self._endpoints.board.best_head()
        return inquirer.records(answers, head.time_seconds if head is not None else 0)

    def balances(self, account: Address) -> Balances:
        """What an account has."""
        is_unread = self._keeps_finished and not self._book.facts.parameters
        facts = self.facts() if is_unread else self._book.facts
        answers = self._pinned.ask(balance_questions(self._pinned, account, facts))
        return balances_of(answers, facts, account)

    def token(self, asset: Address, account: Address) -> TokenHolding:
        """What an account has of a token, and what of it Jobs may take."""
        questions = holding_questions(asset, account, self._deployment.address("Jobs"))
        return holding_of(asset, self._pinned.ask(questions))

    def keeper(self, number: KeeperId) -> Keeper:
        """A keeper and its shares."""
        return self._pinned.one(record_codec.keeper(number))

    def roles_of(self, operator: Address, delegate: Address) -> int:
        """What a delegate may do for an operator."""
        return self._pinned.one(record_codec.number("Operators", "roles", operator, delegate))

    # --- the deployment -----------------------------------------------------------------------------------

    def inspect(self) -> list[Finding]:
        """What can be said about the deployment's contracts."""
        return inspect(self._web3, self._deployment)

    def _check_contracts(self) -> None:
        """Refuse a chain without the contracts, or with contracts that this version does not know."""
        head = self._endpoints.head()
        codes = self._pinned.ask([self._code(name) for name in ("Jobs", "Disputes")])
        for name, code in zip(("Jobs", "Disputes"), codes, strict=True):
            if not given(code):
                self._refuse_missing(name, head)
        # If the contracts define floats differently, a true claim would lose its bond (docs/machine.md M9).
        pinned = self._pinned.one(record_codec.word("Step", "rom_root"))
        if pinned != rom_root():
            raise Rejected(
                Reject.OTHER_ROM,
                f"expected a ROM of root 0x{rom_root().hex()}, the contracts have 0x{pinned.hex()}: install"
                " the version of truestep that they were deployed with",
            )

    def _refuse_missing(self, name: str, head: Head) -> None:
        address = self._deployment.address(name)
        expected = f"expected {name} at {address} on chain {self._deployment.chain_id}"
        if head.number < self._deployment.block_number:
            raise Unavailable(
                f"{expected}, deployed in block {self._deployment.block_number}, but the node's newest block"
                f" is {head.number}: wait until it has caught up; if the chain was restarted, get the new"
                " deployment file"
            )
        raise Rejected(
            Reject.NO_CONTRACT,
            f"{expected}; the chain was restarted, or the deployment file is of another network: get the new"
            " file",
        )

    def _code(self, contract: str) -> AtBlock:
        address = self._deployment.address(contract)
        return lambda block: Question(method="eth_getCode", parameters=[address, block], parse=octets)


def call_in_words(call: Call) -> str:
    """`register program` for RegisterProgram; of items, whose calls are short, also what they are about."""
    words = _CAPITAL.sub(lambda match: f" {match[0].lower()}", type(call).__name__).strip()
    return f"{words} an item" if words == "register" else words


def _unknown_job(facts: Facts, job_id: JobId) -> Rejected:
    if 0 < job_id <= facts.job_count:
        return Rejected(Reject.OVER, f"job {job_id} is finished, and a daemon keeps only what is open")
    return Rejected(Reject.JOB_UNKNOWN, f"no job {job_id} was posted; check the id")
