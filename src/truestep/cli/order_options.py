"""Options of a job's terms: what it pays, how sure its result is, who is told."""

from dataclasses import dataclass
from typing import Annotated

import typer

from truestep.base.ids import Address, Bytes32, JobId
from truestep.base.units import parse_duration
from truestep.cli.options import parse_address, parse_reward, parse_seed
from truestep.client.orders import DEFAULT_LEASE_SECONDS, DEFAULT_LIFETIME_SECONDS, Order
from truestep.protocol.calls import NATIVE, NOBODY
from truestep.protocol.settlement.jobs import CALLBACK_LIMIT_GAS


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOptions:
    """The terms of a job."""

    shards: Annotated[
        int, typer.Option(metavar="N", min=1, max=2**16 - 1, help="Number of tasks to split the job into.")
    ] = 1
    reward: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="Reward per shard: 0.01, 20gwei or 7wei; with --asset, in the token's smallest units.",
        ),
    ] = "0"
    asset: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Pay in this token (ERC-20). Default: native coins."),
    ] = None
    seed: Annotated[
        str | None, typer.Option(metavar="HEX", help="The job's seed. Default: 32 random bytes.")
    ] = None
    max_cycles: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=2**48,
            help="Most cycles a shard may take. Default: twice those of a trial run of shard 0.",
        ),
    ] = None
    lease: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, help="Time a worker has to run a shard it took.")
    ] = DEFAULT_LEASE_SECONDS
    lifetime: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, help="Time from now to the job's deadline.")
    ] = DEFAULT_LIFETIME_SECONDS
    window: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time to challenge a result: 2h, 1d. Default: the shortest that the network allows.",
        ),
    ] = None
    bond_multiple: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=255, help="Let workers lock so many times the network's bond per shard."
        ),
    ] = 1
    consumer: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A contract to call once all results are written out."),
    ] = None
    callback_gas: Annotated[
        int,
        typer.Option(
            metavar="GAS", min=0, max=CALLBACK_LIMIT_GAS, help="Gas of that call. Needs --consumer."
        ),
    ] = 0
    reduce: Annotated[
        int | None,
        typer.Option(
            metavar="JOB", min=1, help="Let the outputs of this job be the input; see `truestep feed`."
        ),
    ] = None
    slot_bytes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="With --reduce: room for each output. Default: as large as the largest, of a complete job.",
        ),
    ] = None

    def order(self, max_cycles: int, name: str | None) -> Order:
        """The order that these options describe. Refuses options that contradict each other."""
        return Order(
            shard_count=self.shards,
            reward_wei=self.reward_units,
            asset=self.paid_in,
            seed=self.chosen_seed,
            max_cycles=max_cycles,
            lease_seconds=self.lease,
            lifetime_seconds=self.lifetime,
            window_seconds=self.window_seconds,
            bond_multiple=self.bond_multiple,
            consumer=self.told,
            callback_gas=self.callback_gas,
            reducer_of=JobId(self.reduce) if self.reduce is not None else None,
            slot_bytes=self.slot_bytes or 0,
            name=name,
        )

    def check(self) -> None:
        """Refuse texts that are not understood, and options that contradict each other."""
        self.order(1, None)
        if self.callback_gas and self.consumer is None:
            raise typer.BadParameter("whom to call? add --consumer ADDRESS", param_hint="--callback-gas")
        if self.slot_bytes is not None and self.reduce is None:
            raise typer.BadParameter("only a reducer has slots: add --reduce JOB", param_hint="--slot-bytes")
        if self.reduce is not None and self.max_cycles is None:
            raise typer.BadParameter(
                "a reducer has no input yet for a trial run: add --max-cycles N", param_hint="--reduce"
            )

    @property
    def paid_in(self) -> Address:
        """The asset."""
        return parse_address(self.asset, "--asset") if self.asset is not None else NATIVE

    @property
    def reward_units(self) -> int:
        """The reward of each shard, in the asset's smallest units."""
        return parse_reward(self.reward, self.paid_in, "--reward")

    @property
    def told(self) -> Address:
        """The consumer."""
        return parse_address(self.consumer, "--consumer") if self.consumer is not None else NOBODY

    @property
    def chosen_seed(self) -> Bytes32 | None:
        """The seed; None for a random one."""
        return parse_seed(self.seed) if self.seed is not None else None

    @property
    def window_seconds(self) -> int:
        """The window; 0 for the shortest."""
        if self.window is None:
            return 0
        seconds = parse_duration(self.window)
        if not seconds:
            raise typer.BadParameter(
                f"expected a time such as 90min, 2h or 1d 12h, got {self.window!r}", param_hint="--window"
            )
        return seconds
