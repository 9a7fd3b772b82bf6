"""The chain through web3.py: typed reads by RPC, sends through the transaction manager."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from web3 import Web3
from web3.exceptions import BlockNotFound
from web3.providers.base import BaseProvider
from web3.types import FilterParams

from truestep.adapters.chain.codec import decode_output, encode_call, encode_function
from truestep.adapters.chain.connection import asking_node, check_chain, connect, reverted
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.event_codec import decode_log, event_topic
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.sender import Sender, Signer
from truestep.base.errors import Reject, Rejected
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
from truestep.ports.chain import Balances, Counters, Head, Outcome, TaskResult, Transaction
from truestep.ports.store import Store
from truestep.protocol.bisection import split_root
from truestep.protocol.calls import ONCE, URGENT, Call
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, GameSplit, JobPosted, ProgramRegistered, TaskClaimed
from truestep.protocol.records import (
    GameRecord,
    GameStage,
    JobRecord,
    Parameters,
    ProgramRecord,
    TaskRecord,
    TaskStage,
)

LOG_RANGE_BLOCKS = 5_000
"""Public nodes refuse `eth_getLogs` over more than some thousands of blocks."""


class Web3Chain:
    """Satisfies `truestep.ports.chain.Chain`. Not for use by several threads at once."""

    def __init__(
        self,
        node: str | BaseProvider,
        deployment: Deployment,
        signer: Signer,
        store: Store,
        policy: TransactionPolicy | None = None,
    ) -> None:
        """Connect to `node` (a URL, or a devnet's provider); transactions are journaled in `store`.

        Raises `Unavailable` if the node does not answer, `Rejected` if it is of another chain or has no
        contracts where the deployment says.
        """
        self._web3 = connect(node)
        self._deployment = deployment
        check_chain(self._web3, deployment.chain_id)
        self._check_contracts()
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
        """Look after everything that is pending."""
        return tuple(entry.transaction() for entry in self._sender.refresh())

    def alarms(self) -> tuple[str, ...]:
        """What went wrong with sends since the last call."""
        return self._sender.alarms()

    def transaction(self, intent: str) -> Transaction | None:
        """What became of an intent."""
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
        """The rules, as the contracts have them."""
        return Parameters(
            operator_bond_wei=self._ask("Jobs", "operator_bond_wei"),
            challenger_bond_wei=self._ask("Disputes", "challenger_bond_wei"),
            window_seconds=self._ask("Jobs", "window_seconds"),
            clock_seconds=self._ask("Disputes", "clock_seconds"),
            lease_penalty_bps=self._ask("Jobs", "lease_penalty_bps"),
            winner_share_bps=self._ask("Disputes", "winner_share_bps"),
            gas_price_cap_wei=self._ask("Disputes", "gas_price_cap_wei"),
            arity=self._ask("Disputes", "arity"),
        )

    def head(self) -> Head:
        """The newest block."""
        with asking_node():
            block: Any = self._web3.eth.get_block("latest")
        return Head(
            number=int(block["number"]),
            hash=Bytes32(bytes(block["hash"])),
            time_seconds=int(block["timestamp"]),
        )

    def block_hash(self, number: int) -> Bytes32 | None:
        """The hash of block `number`; None beyond the head."""
        with asking_node():
            try:
                block: Any = self._web3.eth.get_block(number)
            except BlockNotFound:
                return None
        return Bytes32(bytes(block["hash"]))

    def program(self, program_id: ProgramId) -> ProgramRecord:
        """A registered program."""
        image_root, entry, max_cycles, digest, owner = self._ask("Programs", "get", program_id)
        return ProgramRecord(
            program_id=program_id,
            image_root=Bytes32(image_root),
            entry=entry,
            max_cycles=max_cycles,
            digest=Bytes32(digest),
            owner=_address(owner),
            uri=self._uri("Programs", "Registered", program_id),
        )

    def job(self, job_id: JobId) -> JobRecord:
        """A posted job."""
        (program_id, input_root, input_size, seed, shard_count, reward_wei, lease_seconds, deadline,
         max_cycles, requester, final_count) = self._ask("Jobs", "get_job", job_id)  # fmt: skip
        return JobRecord(
            job_id=job_id,
            program_id=ProgramId(program_id),
            input_root=Bytes32(input_root),
            input_size=input_size,
            input_uri=self._uri("Jobs", "Posted", job_id),
            seed=Bytes32(seed),
            shard_count=shard_count,
            reward_wei=reward_wei,
            lease_seconds=lease_seconds,
            deadline=deadline,
            max_cycles=max_cycles,
            requester=_address(requester),
            final_count=final_count,
        )

    def task(self, task_id: TaskId) -> TaskRecord:
        """A task as it stands; the job must exist."""
        state, attempt, operator, until, claim_hash = self._ask("Jobs", "get_task", task_id)
        return TaskRecord(
            task_id=task_id,
            stage=TaskStage(state),
            attempt=attempt,
            operator=_address(operator),
            until=until,
            claim_hash=Bytes32(claim_hash),
        )

    def result(self, task_id: TaskId) -> TaskResult:
        """A task's result as contracts read it."""
        is_final, is_accepted, status, code, cycle, output_size, output_root = self._ask(
            "Jobs", "result", task_id
        )
        return TaskResult(
            is_final=is_final,
            is_accepted=is_accepted,
            status=status,
            code=code,
            cycle=cycle,
            output_size=output_size,
            output_root=Bytes32(output_root),
        )

    def claimed_state(self, claim_id: ClaimId) -> ClaimedState:
        """What a claim says, from its event."""
        for event in self._events_about("Jobs", "Claimed", task_of_claim(claim_id)):
            if isinstance(event, TaskClaimed) and event.claim_id == claim_id:
                return event.claimed
        raise Rejected(Reject.CLAIM_UNKNOWN, f"no claim {claim_id} was made; check the id")

    def game(self, game_id: GameId) -> GameRecord:
        """A game as it stands."""
        (stage, operator, challenger, low, high, low_hash, high_hash, root, operator_clock_seconds,
         challenger_clock_seconds, moved_at, rounds) = self._ask("Disputes", "get_game", game_id)  # fmt: skip
        if stage == GameStage.NONE:
            raise Rejected(Reject.GAME_UNKNOWN, f"no game {game_id} was opened; check the id")
        return GameRecord(
            game_id=game_id,
            stage=GameStage(stage),
            operator=_address(operator),
            challenger=_address(challenger),
            low=low,
            high=high,
            low_hash=Bytes32(low_hash),
            high_hash=Bytes32(high_hash),
            split_root=Bytes32(root),
            operator_clock_seconds=operator_clock_seconds,
            challenger_clock_seconds=challenger_clock_seconds,
            moved_at=moved_at,
            rounds=rounds,
        )

    def open_game_count(self, claim_id: ClaimId) -> int:
        """How many games may still go against a claim."""
        return self._ask("Disputes", "open_games", claim_id)

    def counters(self) -> Counters:
        """How many programs and jobs there are."""
        return Counters(
            program_count=self._ask("Programs", "program_count"), job_count=self._ask("Jobs", "job_count")
        )

    def tasks(self, task_ids: Collection[TaskId]) -> dict[TaskId, TaskRecord]:
        """Tasks as they stand."""
        return {task_id: self.task(task_id) for task_id in task_ids}

    def games(self, game_ids: Collection[GameId]) -> dict[GameId, GameRecord]:
        """Games as they stand; unknown ones are left out."""
        found: dict[GameId, GameRecord] = {}
        for game_id in game_ids:
            with suppress(Rejected):
                found[game_id] = self.game(game_id)
        return found

    def open_game_counts(self, claim_ids: Collection[ClaimId]) -> dict[ClaimId, int]:
        """How many games on each claim are not closed."""
        return {claim_id: self.open_game_count(claim_id) for claim_id in claim_ids}

    def game_of(self, claim_id: ClaimId, challenger: Address) -> GameId | None:
        """The challenger's game on a claim."""
        game_id = self._ask("Disputes", "game_of", claim_id, challenger)
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
        addresses = [
            _checksum(self._deployment.address(name))
            for name in ("Operators", "Programs", "Jobs", "Disputes")
        ]
        return self._logs(
            {"address": addresses, "fromBlock": _block(from_block), "toBlock": _block(to_block)}
        )

    def balances(self, account: Address) -> Balances:
        """What an account has."""
        stake_wei, locked_wei = self._ask("Operators", "accounts", account)
        with asking_node():
            wallet_wei = self._web3.eth.get_balance(_checksum(account))
        return Balances(
            wallet_wei=int(wallet_wei),
            stake_wei=stake_wei,
            locked_wei=locked_wei,
            rewards_wei=self._ask("Jobs", "credits", account),
            winnings_wei=self._ask("Disputes", "credits", account),
        )

    def delegate_of(self, operator: Address) -> Address:
        """Who moves for an operator."""
        return _address(self._ask("Operators", "delegate_of", operator))

    # --- how ----------------------------------------------------------------------------------------------

    def _ask(self, contract: str, function: str, *arguments: Any) -> Any:
        payload = encode_function(self._web3, contract, function, arguments)
        with asking_node():
            output = self._web3.eth.call(
                {"to": _checksum(self._deployment.address(contract)), "data": Web3.to_bytes(payload)}
            )
        return decode_output(self._web3, contract, function, bytes(output))

    def _check_contracts(self) -> None:
        for name in ("Jobs", "Disputes"):
            address = self._deployment.address(name)
            with asking_node():
                code = self._web3.eth.get_code(_checksum(address))
            if not code:
                raise Rejected(
                    Reject.NO_CONTRACT,
                    f"expected {name} at {address} on chain {self._deployment.chain_id}; the chain was reset"
                    " or the deployment file is of another network: get the present file",
                )
        self._check_rom()

    def _check_rom(self) -> None:
        """Where floats are other ones than here, a true claim would lose its bond (docs/machine.md M9)."""
        pinned = bytes(self._ask("Step", "rom_root"))
        if pinned != rom_root():
            raise Rejected(
                Reject.OTHER_ROM,
                f"expected a ROM of root 0x{rom_root().hex()}, the contracts have 0x{pinned.hex()}: install"
                " the version of truestep that they were deployed with",
            )

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
        topics = [_topic(event_topic(contract, name)), _topic(number.to_bytes(32, "big"))]
        until = self.head().number
        while until >= self.first_block:
            start = max(until - LOG_RANGE_BLOCKS + 1, self.first_block)
            found = self._logs(
                {
                    "address": _checksum(self._deployment.address(contract)),
                    "topics": topics,
                    "fromBlock": _block(start),
                    "toBlock": _block(until),
                }
            )
            if found:
                return found[::-1]
            until = start - 1
        return ()

    def _logs(self, request: FilterParams) -> tuple[ChainEvent, ...]:
        with asking_node():
            logs = self._web3.eth.get_logs(request)
        decoded = [decode_log(self._web3, self._deployment, log) for log in logs]
        return tuple(sorted((event for event in decoded if event), key=lambda event: event.at))


def _checksum(address: Address) -> Any:
    return Web3.to_checksum_address(address)


def _address(text: str) -> Address:
    return Address(Web3.to_checksum_address(text))


def _topic(word: bytes) -> Any:
    return Web3.to_hex(word)


def _block(number: int) -> Any:
    return Web3.to_hex(number)
