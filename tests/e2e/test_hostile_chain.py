"""What strangers put on the chain must not stop or blind an honest node."""

from __future__ import annotations

from dataclasses import replace

from web3 import Account

from tests.e2e.network import POLICY, REWARD_WEI, Log, Network
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.sender import Sender
from truestep.adapters.chain.settlement import encode_call
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Bytes32, JobId, ProgramId, task_of
from truestep.commitments.keccak import keccak256
from truestep.node.tasks.agent import FORGET_SECONDS
from truestep.node.tasks.openings import OPEN_JOBS_LIMIT
from truestep.node.tasks.queue import FETCHES_LIMIT
from truestep.ports.chain import Outcome
from truestep.protocol.calls import NATIVE, NOBODY, PostJob, RegisterProgram
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.contracts.jobs import Post
from truestep.protocol.settlement.contracts.programs import Register
from truestep.protocol.settlement.facts.rehearsal import Ready
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import Order, Program

LOOKS = 4 * OPEN_JOBS_LIMIT // FETCHES_LIMIT
"""Time to ask for each input in a crowd of twice the limit once, and again."""
MARK = "mark"
NOT_TEXT = b"\xff\xfe\xc3\x28"
"""No UTF-8, as long as the mark."""


def send_with_not_text(network: Network, call: Register | Post, intent: str) -> None:
    """Make a call whose mark is not text: contracts do not look into strings."""
    web3 = connect(network.devnet.node)
    account = Account.from_key(keccak256(b"stranger"))
    network.devnet.fund(account.address, 10**18)
    sender = Sender(web3, network.deployment.chain_id, account, SqliteStore(), POLICY)
    message = encode_call(network.deployment, Ready(call=call, value_wei=0))
    payload = message.payload.replace(MARK.encode(), NOT_TEXT)
    assert payload != message.payload
    sender.submit(Message(to=message.to, payload=payload, value_wei=message.value_wei), intent)
    assert sender.wait(intent, 10).outcome is Outcome.CONFIRMED


def test_addresses_that_are_no_text_stop_nobody(quick_network: Network) -> None:
    job_id = quick_network.post()
    root = Bytes32(keccak256(b"root"))
    program = Program(image_root=root, entry=0, max_cycles=1, workload=0, digest=root, owner=NOBODY)
    send_with_not_text(
        quick_network,
        Register(image_root=root, entry=0, max_cycles=1, workload=0, digest=root, uri=MARK),
        "register",
    )
    now = quick_network.requester.head().time_seconds
    order = Order(
        program_id=ProgramId(2),
        program_hash=program_hash(program),
        input_root=root,
        input_size=1,
        input_uri=MARK,
        seed=root,
        shard_count=1,
        reward=0,
        asset=NATIVE,
        lease_seconds=100,
        deadline=now + 10_000,
        window_seconds=0,
        bond_multiple=1,
        policy=OPTIMISTIC,
        parameters_id=1,
        consumer=NOBODY,
        callback_gas=0,
        reducer_of=0,
    )
    send_with_not_text(quick_network, Post(order=order), "post")
    worker = quick_network.worker("worker", quick_network.store("worker"), Log())
    challenger = quick_network.challenger("challenger", quick_network.store("challenger"), Log())
    quick_network.drive([worker, challenger], lambda: quick_network.is_final(job_id))
    again = quick_network.worker("worker", quick_network.store("worker"), Log())
    again.tick()
    assert quick_network.requester.job(JobId(2)).input_size == 1


def test_well_paid_jobs_that_nobody_can_run_do_not_crowd_out_the_others(quick_network: Network) -> None:
    """Their rewards come back after the deadline: such a siege costs next to nothing."""
    job_id = quick_network.post()
    chain, root = quick_network.requester, Bytes32(keccak256(b"root"))
    program = RegisterProgram(image_root=root, entry=0, max_cycles=2**48, digest=root, uri=f"blob:{'0' * 64}")
    chain.transact(program, intent="endless")
    chain.transact(replace(program, max_cycles=1), intent="missing")
    order = PostJob(
        program_id=ProgramId(2),
        input_root=root,
        input_size=1,
        input_uri=f"blob:{'1' * 64}",
        seed=root,
        shard_count=1,
        reward=2 * REWARD_WEI,
        lease_seconds=300,
        deadline=chain.head().time_seconds + 90_000,
    )
    for number in range(OPEN_JOBS_LIMIT):
        chain.transact(order, intent=f"endless/{number}")
        chain.transact(replace(order, program_id=ProgramId(3)), intent=f"missing/{number}")
    worker = quick_network.worker("worker", quick_network.store("worker"), Log())
    quick_network.drive([worker], lambda: quick_network.is_final(job_id))


def test_failures_of_jobs_that_are_not_looked_at_are_remembered(quick_network: Network) -> None:
    """Else the best paid jobs whose inputs nobody has come back for ever, as if they were new."""
    job_id = quick_network.post()
    chain = quick_network.requester
    terms = chain.job(job_id)
    for number in range(2 * OPEN_JOBS_LIMIT):
        order = PostJob(
            program_id=terms.program_id,
            input_root=Bytes32(keccak256(number.to_bytes(32, "big"))),
            input_size=1,
            input_uri=f"blob:{number:064x}",
            seed=terms.seed,
            shard_count=1,
            reward=REWARD_WEI + 1,
            lease_seconds=terms.lease_seconds,
            deadline=terms.deadline,
        )
        chain.transact(order, intent=f"crowd/{number}")
    worker = quick_network.worker("worker", quick_network.store("worker"), Log())
    for _ in range(LOOKS):
        worker.tick()
        quick_network.clock.sleep(FORGET_SECONDS)
    assert chain.task(task_of(job_id, 0)).stage is not TaskStage.OPEN
