"""`truestep worker`: earns by running tasks."""

import re
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.base.errors import Rejected
from truestep.base.ids import Address
from truestep.base.units import coins
from truestep.cli.daemon_care import add_care
from truestep.cli.daemon_group import add_run, daemon_group
from truestep.cli.daemon_set_up import add_setting_up
from truestep.cli.daemons import (
    DaemonOptions,
    EntropyOption,
    WorkerParts,
    opened_world,
    run_until_stopped,
    until_available,
)
from truestep.cli.failure import Failure
from truestep.cli.log_options import LogOptions
from truestep.cli.member_options import MemberOptions
from truestep.cli.option_groups import grouped
from truestep.cli.options import parse_address, parse_amount
from truestep.cli.proving_options import ProvingOptions
from truestep.cli.screen import Screen, guarded
from truestep.composition.engines import EngineName

if TYPE_CHECKING:
    from truestep.node.tasks.self_check import SelfCheck
    from truestep.node.tasks.world import World
    from truestep.ports.proving import Prover
    from truestep.roles.availability.delivery import DeliveryPolicy
    from truestep.roles.worker_policy import WorkerPolicy

EXAMPLE = "Example: truestep worker run --keystore operator-1.json --stake 5 --state-dir operator-1"


NO_MIN_REWARD = (
    "tasks are taken for any reward, even none: a stranger's jobs can cost more gas than they pay; set"
    " --min-reward to what a task costs you (docs/gas.md)"
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = daemon_group("worker", "Workers: earn by running tasks (docs/operating.md).")
    add_run(group, worker, EXAMPLE)
    add_setting_up(group, "worker")
    add_care(group, "worker")
    app.add_typer(group, name="worker")


@guarded
@grouped
def worker(
    options: DaemonOptions,
    proving: ProvingOptions,
    logging: LogOptions,
    sitting: MemberOptions,
    stake: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT", help="Deposit as much as is missing to a stake of this amount, such as 5."
        ),
    ] = None,
    parallel: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=256, help="Tasks to run at the same time; each uses one core."),
    ] = 1,
    max_batch: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=256,
            help="Tasks to take and claim together at most. Short ones are taken ahead, 16 for each core.",
        ),
    ] = 32,
    min_reward: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="Least reward for which to take a task, such as 20gwei. One that locks more bond, or for"
            " longer, than it must has to pay as many times more.",
        ),
    ] = "0",
    max_lock: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Most that a task may lock, by bond and window: N times the least that it could.",
        ),
    ] = 4,
    asset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOKEN=UNITS",
            help="Also take jobs that pay in this token, for at least so many of its units. Repeatable.",
        ),
    ] = None,
    items_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where keepers can fetch outputs that a job asks to be kept: the public URL of a store in"
            " --blobs. It is written on the chain. Default: the first of --blobs with http(s).",
        ),
    ] = None,
    keeper_fee: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="Pay each keeper of outputs so much for each blob (127 kB) and day, such as 1gwei.",
        ),
    ] = "0",
    keepers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            max=16,
            help="Keepers to be drawn for the outputs of a batch. Default: 4, or all if there are fewer.",
        ),
    ] = None,
    tolerate_unkept: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Go on with jobs whose outputs must be kept, or whose claims must be proven, after N claims"
            " lost coins because they were not in time.",
        ),
    ] = 0,
    calldata: Annotated[
        bool,
        typer.Option(
            help="Write outputs into the chain that cost less gas there than at keepers (up to some 9 kB), or"
            " for which there are too few keepers (up to 24 KiB a batch).",
        ),
    ] = True,
    keeper: Annotated[
        bool,
        typer.Option(
            "--keeper",
            help="Also do for others what anybody can do, such as finalizing and settling; it costs gas.",
        ),
    ] = False,
    entropy: EntropyOption = False,
    unproven: Annotated[
        bool,
        typer.Option(
            "--unproven",
            help="Also take jobs of the policy *validity* that --prove does not cover: prove each of its"
            " claims yourself in its window, or it costs what a missed lease does.",
        ),
    ] = False,
    auditor: Annotated[
        bool,
        typer.Option(
            "--auditor",
            help="Audit claims of others for which this operator is drawn, by its pledge (`truestep stake"
            " pledge`): run them again, say so blind, dispute what is false. An auditor that is silent pays.",
        ),
    ] = False,
    cycles_per_second: Annotated[
        float,
        typer.Option(
            metavar="N", min=1, help="Speed that this computer never falls below, in cycles per second."
        ),
    ] = 100e6,
    send_seconds: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.1,
            envvar="TRUESTEP_SEND_SECONDS",
            help="Longest time that a transaction takes to be in a block.",
        ),
    ] = 30.0,
    start_seconds: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            envvar="TRUESTEP_START_SECONDS",
            help="How long fetching and compiling a program may take.",
        ),
    ] = 5.0,
    hashed_pages: Annotated[
        float,
        typer.Option(
            "--hashed-pages-per-second",
            metavar="N",
            min=1,
            envvar="TRUESTEP_HASHED_PAGES_PER_SECOND",
            help="Speed that this computer never falls below, in memory pages hashed per second.",
        ),
    ] = 20_000,
    self_check: Annotated[
        int,
        typer.Option(
            metavar="SEGMENTS",
            min=0,
            max=1000,
            help="Random parts of a run to check on the reference machine before its claim. 0: no check.",
        ),
    ] = 8,
) -> None:
    """Take tasks, run them, claim their results, defend the claims and collect the rewards.

    Tasks are taken, claimed and made final in batches, which saves gas. Each task taken locks a bond. A false
    claim loses all of it, a missed lease a part; if one task of a batch cannot be claimed, the whole batch is
    given back, which costs a part as well. Stop the worker with Ctrl-C; started again with the same
    --state-dir, it goes on where it stopped. Keep it running while its claims can be challenged: a claim that
    is disputed and not defended loses its bond.

    Jobs under the policy *kept* ask that outputs are kept. The worker has keepers drawn for those of each
    batch, for the window and 62 days, with a bond that comes back then; it takes such jobs only while its
    wallet has the coins for that, and loses what a missed lease costs if no keeper takes them. Where there
    are too few keepers, it writes outputs into the chain, and takes only what fits there as far as it knows.

    Claims of jobs under the policy *validity* must be proven. With --prove the worker takes those of a
    model's program and proves its claims by itself, one at a time, with the tools of `truestep proofs setup`;
    a proof that was made is never made again, whenever the worker is stopped. With --unproven it takes all,
    and `truestep verifiers prove` sends proofs that were made elsewhere.

    Claims are logged before they are sent (docs/logs.md): --log-listen serves the log, `audit-log` checks it.

    If the self-check finds a difference, the worker claims nothing and never takes that program again. The
    evidence is in the folder `evidence` of the state directory.
    """
    from truestep.node.worker import worker_node
    from truestep.roles.estimates import Speed
    from truestep.roles.worker import WorkerPolicy

    prover = proving.prover(Screen(as_json=options.as_json))
    is_checked = bool(self_check) and options.engine is not EngineName.REFERENCE
    speed = Speed(
        cycles_per_second=cycles_per_second,
        start_seconds=start_seconds,
        send_seconds=send_seconds,
        checked_segments=_checked_segments(self_check) if is_checked else 0,
        hashed_pages_per_second=hashed_pages,
    )
    policy = WorkerPolicy(
        active_limit=parallel,
        batch_limit=max_batch,
        lock_limit=max_lock,
        reward_min_wei=parse_amount(min_reward, "--min-reward"),
        rewards_min=dict(map(parse_asset, asset or [])),
        is_keeper=keeper,
        takes_unproven=unproven,
        is_auditor=auditor,
        circuits=prover.circuits if prover is not None else {},
        proof_seconds=prover.proof_seconds if prover is not None else 0.0,
        failed_tolerated=tolerate_unkept,
        delivery=_delivery(items_url, keeper_fee, keepers, options, writes_small=calldata),
        speed=speed,
    )
    stake_wei, check = _stake_of(stake, options), _self_check(self_check, options) if is_checked else None
    parts = _parts(policy, prover, logging, sitting, gives_entropy=entropy)
    with opened_world(options, parallel, check, role="worker", is_keeper=keeper, parts=parts) as world:
        until_available(world.reporter, lambda: _stake(world, stake_wei, options.operator_address))
        if policy.reward_min_wei == 0:
            world.reporter.report("no_min_reward", NO_MIN_REWARD)
        places = check.evidence.places() if check else None
        run_until_stopped(worker_node(world, policy, places, is_member=sitting.member), world, options)


def _parts(
    policy: "WorkerPolicy",
    prover: "Prover | None",
    logging: LogOptions,
    sitting: MemberOptions,
    *,
    gives_entropy: bool,
) -> WorkerParts:
    """What the options ask for besides the policy."""
    return WorkerParts(
        delivery=policy.delivery,
        prover=prover,
        log=logging.settings(),
        gives_entropy=gives_entropy,
        is_drawn=sitting.member or policy.is_auditor,
        is_member=sitting.member,
        member_listen=sitting.listen,
    )


def _delivery(
    items_url: str | None,
    keeper_fee: str,
    keepers: int | None,
    options: DaemonOptions,
    *,
    writes_small: bool,
) -> "DeliveryPolicy | None":
    """How outputs are kept; None if keepers could not fetch them from any of the stores."""
    from truestep.adapters.keepers.publishing import checked_url, public_url
    from truestep.roles.availability.delivery import DeliveryPolicy

    try:
        url = checked_url(items_url) if items_url is not None else public_url(options.blobs)
    except Rejected:
        if items_url is not None:
            raise
        return None
    fee_wei = parse_amount(keeper_fee, "--keeper-fee")
    return DeliveryPolicy(url=url, seat_count=keepers, fee_wei=fee_wei, writes_small=writes_small)


def _checked_segments(random_segments: int) -> int:
    from truestep.roles.self_check import FIXED_SEGMENTS

    return random_segments + FIXED_SEGMENTS


def _self_check(random_segments: int, options: DaemonOptions) -> "SelfCheck":
    from truestep.adapters.evidence import EvidenceDirectory
    from truestep.composition.engines import engine_build
    from truestep.node.tasks.self_check import SelfCheck
    from truestep.roles.self_check import SelfCheckPolicy

    return SelfCheck(
        policy=SelfCheckPolicy(random_segments=random_segments),
        evidence=EvidenceDirectory(options.state_dir / "evidence"),
        draw_seed=lambda: secrets.randbits(64),
        engine_build=lambda: engine_build(options.engine),
    )


def parse_asset(text: str) -> tuple[Address, int]:
    """The token and the least reward of `0x...=2500000`."""
    token, _, units = text.partition("=")
    if not re.fullmatch(r"\d{1,30}", units):
        raise typer.BadParameter(
            "expected a token and the least reward in its smallest units, such as 0x...=2500000, got"
            f" {text!r}",
            param_hint="--asset",
        )
    return parse_address(token, "--asset"), int(units)


def _stake_of(stake: str | None, options: DaemonOptions) -> int | None:
    """The wei to deposit up to; refused for another operator, because only that one can withdraw them."""
    if stake is not None and options.operator is not None:
        raise typer.BadParameter(
            "expected --stake or --operator, not both; to add to the stake of another operator, use"
            " `truestep deposit AMOUNT --operator ADDRESS`",
            param_hint="--stake",
        )
    return None if stake is None else parse_amount(stake, "--stake")


def _stake(world: "World", target_wei: int | None, operator: Address | None) -> None:
    """Deposit up to the target; refuse to start without a stake of one bond, or leave to use it."""
    from truestep.client.sending import raise_stake

    chain, bond_wei = world.chain, world.chain.parameters().operator_bond_wei
    if target_wei is not None:
        deposited_wei = raise_stake(chain, target_wei)
        if deposited_wei:
            world.reporter.report("staked", f"deposited {coins(deposited_wei)}")
    if operator is not None:
        _check_roles(world, operator)
    owner = operator or chain.account
    stakes, wallet = chain.balances(owner), coins(chain.balances(chain.account).wallet_wei)
    if stakes.stake_wei < bond_wei:
        enough = coins(5 * bond_wei).removesuffix(" ETH")
        remedy = f"start with --stake {enough}" if operator is None else f"have it deposit {enough}"
        raise Failure(
            "stake",
            f"expected a stake of {owner} of at least one bond, {coins(bond_wei)}, got"
            f" {coins(stakes.stake_wei)}; {remedy}",
        )
    if not stakes.locked_wei and stakes.lockable_wei < bond_wei:
        raise Failure(
            "cap",
            f"expected {coins(bond_wei)} of the stake of {owner} that may be locked, the bond of a task; of"
            f" {coins(stakes.stake_wei)} it is {coins(stakes.lockable_wei)}. `truestep operator show {owner}`"
            " says whether it is to be admitted first, or what part of a stake may be at risk at once: then a"
            " larger stake helps",
        )
    free = coins(stakes.lockable_wei)
    joined = " and" if operator is None else f"; {chain.account} has"
    world.reporter.report("ready", f"{owner} has {free} of free stake{joined} {wallet} for gas")


def _check_roles(world: "World", operator: Address) -> None:
    """Refuse to start without leave to take, claim and move for the operator."""
    from truestep.protocol.settlement.ids import ALL_ROLES

    account = world.chain.account
    if world.chain.roles_of(operator, account) & ALL_ROLES != ALL_ROLES:
        raise Failure(
            "delegate",
            f"expected {account} to be a delegate of {operator} that may take, claim and move; with the"
            f" operator's key, run `truestep delegate {account} --roles take,claim,move`",
        )
