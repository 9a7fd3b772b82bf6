"""Sends a call of a network's owner, or prints it for a Safe."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from truestep.base.ids import Address
from truestep.cli.failure import Failure
from truestep.cli.fee_options import MaxFeeOption, MaxTipOption, transaction_policy
from truestep.cli.options import PasswordFileOption, ask_password
from truestep.cli.screen import Screen
from truestep.cli.senders import SenderOptions
from truestep.protocol.calls import NOBODY

if TYPE_CHECKING:
    from truestep.adapters.chain.codec import Message
    from truestep.adapters.chain.signing import Signer


class OwnedChain(Protocol):
    """Where a call is sent."""

    web3: Any
    chain_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerOptions:
    """The account that sends, or none: then the call is printed."""

    keystore: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="TRUESTEP_KEYSTORE", help="The key of the account that sends this."
        ),
    ] = None
    call_data: Annotated[
        bool,
        typer.Option(
            "--call-data",
            help="Send nothing: print the transaction, for a Safe or another wallet that holds the power.",
        ),
    ] = False
    password_file: PasswordFileOption = None
    max_fee: MaxFeeOption = None
    max_tip: MaxTipOption = None

    def sender(self) -> SenderOptions | None:
        """As other commands take it; None if the call is printed. Raises Failure if neither was chosen."""
        if self.account() is None or self.keystore is None:
            return None
        return SenderOptions(
            keystore=self.keystore,
            password_file=self.password_file,
            max_fee=self.max_fee,
            max_tip=self.max_tip,
        )

    def account(self) -> Address | None:
        """Who will send; None if the call is printed. Raises Failure if neither was chosen."""
        from truestep.adapters.keystore import keystore_address

        if self.call_data:
            return None
        if self.keystore is None:
            raise Failure(
                "no key",
                "expected --keystore FILE, whose account sends this, or --call-data, which prints the"
                " transaction for a Safe",
            )
        return keystore_address(self.keystore)

    def refuse_others(self, what: str, *allowed: Address) -> None:
        """Refuse an account that the contract would refuse: before anything is paid."""
        account, able = self.account(), [each for each in allowed if each != NOBODY]
        if not able:
            raise Failure(
                "no guardian",
                f"{what} is for the guardian, and this network has none, or its time is over: the proposer"
                " announces what is to be done to the timelock instead",
            )
        if account is not None and account not in able:
            raise Failure(
                "not the owner",
                f"{what} is for {' or '.join(able)}, and the keystore is of {account}; give another"
                " --keystore, or --call-data if that account is a Safe",
            )

    def send(self, screen: Screen, chain: OwnedChain, message: "Message", intent: str) -> bool:
        """Send it and wait, or print it. Returns whether it landed. Raises Rejected, Unavailable."""
        from truestep.adapters.keystore import open_keystore

        sends = self.sender()
        if sends is None:
            screen.result(_printed(screen, message, chain.chain_id))
            return False
        signer = open_keystore(sends.keystore, ask_password(sends.password_file))
        send_as(signer, sends, screen, chain, message, intent)
        return True


def send_as(
    signer: "Signer",
    sends: SenderOptions,
    screen: Screen,
    chain: OwnedChain,
    message: "Message",
    intent: str,
) -> None:
    """Send a message from an account and wait for it. Raises Rejected, Unavailable."""
    from truestep.adapters.chain.deploy import send_one
    from truestep.adapters.chain.sender import Sender
    from truestep.adapters.store.sqlite import SqliteStore

    policy = transaction_policy(sends.max_fee, sends.max_tip)
    with SqliteStore() as store:
        sender = Sender(chain.web3, chain.chain_id, signer, store, policy)
        screen.doing(f"sending {intent}")
        send_one(sender, intent, message)


def _printed(screen: Screen, message: "Message", chain_id: int) -> dict[str, Any]:
    number = chain_id if screen.as_json else f"{chain_id}"
    return {"chain_id": number, "to": message.to, "value": 0, "data": f"0x{message.payload.hex()}"}
