"""The chain port with web3.py: typed reads over RPC, sends through the transaction manager."""

from collections.abc import Collection
from dataclasses import replace

from truestep.adapters.chain import record_codec
from truestep.adapters.chain.answers import header_at, octets
from truestep.adapters.chain.codec import encode_call
from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of, reverted
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.endpoints import Patience, Question
from truestep.adapters.chain.event_codec import event_topic
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.inquiries import balance_questions, balances_of, questions_of, records_of
from truestep.adapters.chain.inspection import Finding, inspect
from truestep.adapters.chain.logs import LogFilter, LogReader, value_of
from truestep.adapters.chain.pinned import AtBlock, PinnedReader, given
from truestep.adapters.chain.sender import Sender, Signer
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    task_of_claim,
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
    TaskResult,
    Transaction,
)
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store
from truestep.protocol.bisection import split_root
from truestep.protocol.calls import ONCE, URGENT, Call
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, GameSplit, JobPosted, ProgramRegistered, TaskClaimed
from truestep.protocol.records import GameRecord, JobRecord, Parameters, ProgramRecord, TaskRecord

LOG_RANGE_BLOCKS = 5_000
"""Public nodes refuse `eth_getLogs` for more than some thousand blocks."""


PARAMETER_OWNERS = {
    "operator_bond_wei": "Jobs",
    "challenger_bond_wei": "Disputes",
    "window_seconds": "Jobs",
    "clock_seconds": "Disputes",
    "lease_penalty_bps": "Jobs",
    "winner_share_bps": "Disputes",
    "gas_price_cap_wei": "Disputes",
    "arity": "Disputes",
}
"""The contract of each parameter."""


class Web3Chain:
    """Satisfies `truestep.ports.chain.Chain`. Reads may come from any thread.

    Every read is of one block, the newest when it begins. Reads that can cost a bond ask two endpoints where
    there are two.
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
    ) -> None:
        """Connect to `node` (URLs, or a devnet's provider); transactions are journaled in `store`.

        `reporter` is told about the state of the endpoints. Raises `Unavailable` if no node answers,
        `Rejected` if it is of another chain or has no contracts where the deployment says.
        """
        self._web3 = connect(node, reporter, patience)
        self._endpoints = endpoints_of(self._web3)
        self._deployment = deployment
        self._pinned = PinnedReader(self._web3, deployment)
        self._logs = LogReader(self._web3, deployment)
        check_chain(self._web3, deployment.chain_id)
        self._check_contracts()
        self._endpoints.expect_contract("Jobs", deployment.address("Jobs"))
        self._sender = Sender(self._web3, deployment.chain_id, signer, store, policy or TransactionPolicy())
        self._uris: dict[tuple[str, int], str] = {}

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
        message = encode_call(self._web3, self._deployment, call)
        is_urgent, is_once = isinstance(call, URGENT), isinstance(call, ONCE)
        return self._sender.submit(message, intent, is_urgent=is_urgent, is_once=is_once).transaction()

    def refresh(self) -> tuple[Transaction, ...]:
        """Check everything that is pending."""
        return tuple(entry.transaction() for entry in self._sender.refresh())

    def alarms(self) -> tuple[str, ...]:
        """The problems of sends since the last call."""
        return self._sender.alarms()

    def transaction(self, intent: str) -> Transaction | None:
        """The outcome of an intent."""
        entry = self._sender.entry(intent)
        return entry.transaction() if entry else None

    def transact(self, call: Call, *, intent: str, deadline_seconds: float = 300.0) -> Transaction:
        """`submit`, then wait until it is confirmed."""
        self.submit(call, intent=intent)
        transaction = self._sender.wait(intent, deadline_seconds).transaction()
        if transaction.outcome is Outcome.REVERTED:
            raise reverted(
                transaction.reason, f" ({intent}, transaction 0x{transaction.transaction_hash.hex()})"
            )
        return transaction

    # --- reads --------------------------------------------------------------------------------------------

    def parameters(self) -> Parameters:
        """The contracts' rules."""
        views = [record_codec.number(contract, name) for name, contract in PARAMETER_OWNERS.items()]
        values = map(given, self._pinned.views(views))
        return Parameters(**dict(zip(PARAMETER_OWNERS, values, strict=True)))

    def head(self) -> Head:
        """The newest block."""
        return self._endpoints.head()

    def block_hash(self, number: int) -> Bytes32 | None:
        """The hash of block `number`; None beyond the head."""
        return self.block_hashes([number]).get(number)

    def block_hashes(self, numbers: Collection[int]) -> dict[int, Bytes32]:
        """The hashes of these blocks; those beyond the head are left out."""
        best = self._endpoints.board.best_head()
        known = best.number if best else -1
        questions = [_header_question(number, is_known=number <= known) for number in numbers]
        answers = self._endpoints.ask_all(questions)
        headers = [value_of(answer) for answer in answers if answer is not None]
        return {header.number: header.hash for header in headers}

    def program(self, program_id: ProgramId) -> ProgramRecord:
        """A registered program."""
        program = self._pinned.one(record_codec.program(program_id))
        return replace(program, uri=self._uri("Programs", "Registered", program_id))

    def job(self, job_id: JobId) -> JobRecord:
        """A posted job."""
        job = self._pinned.one(record_codec.job(job_id))
        return replace(job, input_uri=self._uri("Jobs", "Posted", job_id))

    def task(self, task_id: TaskId) -> TaskRecord:
        """A task as it stands; the job must exist."""
        return self._pinned.one(record_codec.task(task_id), is_confirmed=True)

    def result(self, task_id: TaskId) -> TaskResult:
        """A task's result as contracts read it."""
        return self._pinned.one(record_codec.result(task_id))

    def claimed_state(self, claim_id: ClaimId) -> ClaimedState:
        """What a claim says, from its event."""
        for event in self._events_about("Jobs", "Claimed", task_of_claim(claim_id)):
            if isinstance(event, TaskClaimed) and event.claim_id == claim_id:
                return event.claimed
        raise Rejected(Reject.CLAIM_UNKNOWN, f"no claim {claim_id} was made; check the id")

    def game(self, game_id: GameId) -> GameRecord:
        """A game as it stands."""
        game = self._pinned.one(record_codec.game(game_id), is_confirmed=True)
        if game is None:
            raise Rejected(Reject.GAME_UNKNOWN, f"no game {game_id} was opened; check the id")
        return game

    def open_game_count(self, claim_id: ClaimId) -> int:
        """How many games may still go against a claim."""
        return self._pinned.one(record_codec.open_games(claim_id), is_confirmed=True)

    def counters(self) -> Counters:
        """How many programs and jobs there are."""
        counters = self._newest(Inquiry(has_counters=True)).counters
        return counters or Counters(program_count=0, job_count=0)

    def tasks(self, task_ids: Collection[TaskId]) -> dict[TaskId, TaskRecord]:
        """Tasks as they stand; those of unknown jobs are left out."""
        return self._newest(Inquiry(tasks=list(task_ids))).tasks

    def games(self, game_ids: Collection[GameId]) -> dict[GameId, GameRecord]:
        """Games as they stand; unknown ones are left out."""
        return self._newest(Inquiry(games=list(game_ids))).games

    def open_game_counts(self, claim_ids: Collection[ClaimId]) -> dict[ClaimId, int]:
        """How many games on each claim are not closed."""
        return self._newest(Inquiry(claims=list(claim_ids))).open_game_counts

    def records(self, inquiry: Inquiry, block_number: int) -> Records:
        """What the contracts say as of a block, or of a newer one with a transaction of our own."""
        questions = questions_of(self._pinned, inquiry)
        return records_of(inquiry, self._pinned.ask_at(block_number, questions) if questions else [])

    def _newest(self, inquiry: Inquiry) -> Records:
        """As of the newest block; from two endpoints where there are two."""
        questions = questions_of(self._pinned, inquiry)
        return records_of(inquiry, self._pinned.ask(questions, is_confirmed=True) if questions else [])

    def game_of(self, claim_id: ClaimId, challenger: Address) -> GameId | None:
        """The challenger's game on a claim."""
        game_id = self._pinned.one(record_codec.number("Disputes", "game_of", claim_id, challenger))
        return GameId(game_id) if game_id else None

    def split_hashes(self, game_id: GameId) -> tuple[Bytes32, ...]:
        """The inner hashes of the game's present split, checked against the root that the contract keeps."""
        game = self.game(game_id)
        arity = self._deployment.parameters.arity
        for event in self._events_about("Disputes", "Split", game_id):
            if isinstance(event, GameSplit) and (event.low, event.high) == (game.low, game.high):
                boundaries = (game.low_hash, *event.hashes, game.high_hash)
                if split_root(boundaries, arity) == game.split_root:
                    return event.hashes
        return ()

    def events(self, from_block: int, to_block: int) -> tuple[ChainEvent, ...]:
        """The contracts' events of these blocks, in order."""
        return self._logs.read(from_block, to_block).events

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        """The events of these blocks, and the hashes of those whose headers were read along."""
        return self._logs.read(from_block, to_block)

    def balances(self, account: Address) -> Balances:
        """What an account has."""
        return balances_of(self._pinned.ask(balance_questions(self._pinned, account)))

    def delegate_of(self, operator: Address) -> Address:
        """The delegate of an operator."""
        return self._pinned.one(record_codec.address("Operators", "delegate_of", operator))

    # --- how ----------------------------------------------------------------------------------------------

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

    def _uri(self, contract: str, event_name: str, number: int) -> str:
        """A URI is in the event alone. Its content is checked against roots, so it may be kept."""
        if (contract, number) not in self._uris:
            for event in self._events_about(contract, event_name, number):
                if isinstance(event, ProgramRegistered):
                    self._uris[contract, number] = event.uri
                elif isinstance(event, JobPosted):
                    self._uris[contract, number] = event.input_uri
        return self._uris.get((contract, number), "")

    def _events_about(self, contract: str, name: str, number: int) -> tuple[ChainEvent, ...]:
        """Events of one kind about `number`, their first indexed field: newest first, of the newest range."""
        wanted = LogFilter(
            contracts=(contract,), topics=(event_topic(contract, name), number.to_bytes(32, "big"))
        )
        until = self.head().number
        while until >= self.first_block:
            start = max(until - LOG_RANGE_BLOCKS + 1, self.first_block)
            found = self._logs.read(start, until, wanted).events
            if found:
                return found[::-1]
            until = start - 1
        return ()


def _header_question(number: int, *, is_known: bool) -> Question:
    """Asks for a header; a node that has none of a block that others know is late."""
    parse = header_at(number)
    return Question(
        method="eth_getBlockByNumber",
        parameters=[hex(number), False],
        parse=lambda result: None if result is None and not is_known else parse(result),
    )
