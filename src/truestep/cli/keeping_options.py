"""Options that say how a job's data is kept, and what that may cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from truestep.adapters.keepers.publishing import checked_url, public_url
from truestep.base.units import parse_coins, parse_duration
from truestep.cli.fee_options import MaxBlobFeeOption
from truestep.client.keeping import KeepingTerms
from truestep.client.seats import SEATS_LEAST, SEATS_LIMIT
from truestep.client.supplies import Availability

_WHO = {
    Availability.NONE: "nobody has to keep the data",
    Availability.CALLDATA: "the chain itself keeps the data, for ever",
    Availability.BLOB: "nodes of the chain keep the data, and no keeper is paid",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingOptions:
    """What keepers are offered for items that this command registers, and what blobs may cost."""

    keepers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=SEATS_LEAST,
            max=SEATS_LIMIT,
            help="Keepers for each item; more than half must sign. Default: 4, or as many as are free.",
        ),
    ] = None
    keeper_fee: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT", help="What each keeper gets for each blob of 124 KiB and day: 0.001 or 20gwei."
        ),
    ] = "0"
    keep_for: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long items are kept, from now: 60d, 36h; blobs at most 15d. Default: as long as the job"
            " may need them.",
        ),
    ] = None
    items_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="TRUESTEP_ITEMS_URL",
            help="Where keepers fetch; all can read it on the chain. Default: the first URL of --blobs.",
        ),
    ] = None

    max_blob_fee: MaxBlobFeeOption = None

    def terms(self, blobs: Sequence[str], availability: Availability) -> KeepingTerms | None:
        """The same for the SDK; None where nothing is offered.

        Refuses what is not understood, and what means nothing where the data is kept otherwise.
        """
        self._refuse_unused(availability)
        if availability not in (Availability.KEEPERS, Availability.BLOB):
            return None
        fee_wei = parse_coins(self.keeper_fee)
        if fee_wei is None:
            raise typer.BadParameter(
                f"expected an amount such as 0.001, 20gwei or 7wei, got {self.keeper_fee!r}",
                param_hint="--keeper-fee",
            )
        return KeepingTerms(
            url=self._url(blobs) if availability is Availability.KEEPERS else "",
            seat_count=self.keepers,
            fee_wei=fee_wei,
            keep_seconds=self.keep_seconds,
        )

    def _refuse_unused(self, availability: Availability) -> None:
        """A fee or a time that nobody hears of would be missed only when the data is gone."""
        keepers_only = {"--keepers": self.keepers is not None, "--keeper-fee": self.keeper_fee != "0"}
        unused = {
            Availability.KEEPERS: {},
            Availability.BLOB: keepers_only,
            Availability.CALLDATA: keepers_only | {"--keep-for": self.keep_for is not None},
            Availability.NONE: keepers_only | {"--keep-for": self.keep_for is not None},
        }[availability]
        for option, is_given in unused.items():
            if is_given:
                others = "keepers or blob" if option == "--keep-for" else "keepers"
                raise typer.BadParameter(
                    f"it means nothing with --availability {availability.value}, where {_WHO[availability]};"
                    f" add --availability {others.replace(' or ', ' or --availability ')}, or leave it out",
                    param_hint=option,
                )

    @property
    def keep_seconds(self) -> int | None:
        """The time of --keep-for; None without it."""
        if self.keep_for is None:
            return None
        seconds = parse_duration(self.keep_for)
        if not seconds:
            raise typer.BadParameter(
                f"expected a time such as 60d or 36h, got {self.keep_for!r}", param_hint="--keep-for"
            )
        return seconds

    def _url(self, blobs: Sequence[str]) -> str:
        """From where keepers fetch."""
        return checked_url(self.items_url) if self.items_url else public_url(blobs)
