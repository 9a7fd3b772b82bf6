"""`truestep log propose`, `sign` and `anchor`: the logs of a group anchor what they are, together."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.base.text import counted
from truestep.cli.log_desk import desk_of
from truestep.cli.option_groups import grouped
from truestep.cli.options import KeystoreOption, NetworkOptions, PasswordFileOption, ask_password
from truestep.cli.owner_calls import send_as
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.adapters.chain.anchors_desk import RegisteredLog
    from truestep.adapters.logs.epoch_file import EpochFile
    from truestep.protocol.logs.notes import Checkpoint

PROPOSE_EXAMPLE = "Example: truestep log propose --output epoch.json"
SIGN_EXAMPLE = "Example: truestep log sign epoch.json --log operator/log/LOG --keystore operator.json"
ANCHOR_EXAMPLE = "Example: truestep log anchor mine.json yours.json --keystore operator.json"


def add_to(group: typer.Typer) -> None:
    """Add the commands to their group."""
    group.command(name="propose", epilog=PROPOSE_EXAMPLE)(propose)
    group.command(name="sign", epilog=SIGN_EXAMPLE)(sign)
    group.command(name="anchor", epilog=ANCHOR_EXAMPLE)(anchor)


@guarded
@grouped
def propose(
    network: NetworkOptions,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The epoch file to write.")],
    group: Annotated[
        int, typer.Option(metavar="N", min=0, help="The group: the logs from N x 256 to N x 256 + 255.")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Ask every live log of a group what it is now, and write it down for all of them to sign.

    Workers that serve their logs do all of it by themselves. Without that, anybody can: each operator signs
    the file (`truestep log sign`), and one of them sends it (`truestep log anchor`), in this epoch or the
    next. A log that cannot be read has no row.
    """
    from truestep.adapters.logs.epochs import checkpoint_of
    from truestep.adapters.logs.epochs import propose as propose_epoch
    from truestep.adapters.logs.sources import HttpSource
    from truestep.composition.network import DEVNET_CHAINS

    screen, desk = Screen(as_json=as_json), desk_of(network)
    is_stranger = desk.chain_id not in DEVNET_CHAINS
    screen.doing("asking the logs of the group")

    def ask(log: "RegisteredLog") -> "Checkpoint":
        with closing(HttpSource(log.url, is_stranger=is_stranger)) as source:
            return checkpoint_of(desk, log, source)

    found = propose_epoch(desk, group, desk.members(group), ask)
    found.file.write(output)
    screen.warn(f"log {number} has no row: {why}" for number, why in found.left_out.items())
    screen.result(
        {
            "file": str(output),
            "group": group,
            "epoch": found.file.epoch,
            "root": found.file.tree().root.hex(),
            "logs": [row.number for row in found.file.rows],
            "left_out": {str(number): why for number, why in found.left_out.items()},
        },
        shown=f"epoch {found.file.epoch} of {counted(len(found.file.rows), 'log')} is in {output}; each"
        " operator signs it with `truestep log sign`",
    )


@guarded
@grouped
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The epoch file, to which it is added.")],
    log: Annotated[Path, typer.Option(metavar="DIR", help="Your log's folder, which is compared with it.")],
    network: NetworkOptions,
    keystore: KeystoreOption,
    password_file: PasswordFileOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign an epoch, if the row of your log in it is what your log was. Nothing is sent.

    To sign a row is to state it: one that your log was not would cost its bond, so it is compared with the
    entries in the folder before.
    """
    from truestep.adapters.keystore import open_keystore
    from truestep.adapters.logs.epochs import sign as sign_epoch
    from truestep.adapters.logs.keys import LogKeys

    screen, desk = Screen(as_json=as_json), desk_of(network)
    keys = LogKeys(open_keystore(keystore, ask_password(password_file)))
    signed = sign_epoch(_read(file), desk, keys, log)
    signed.write(file)
    numbers = sorted(map(int, signed.signatures))
    screen.result(
        {"file": str(file), "signed": numbers},
        shown=f"signed; {counted(len(numbers), 'log')} of {len(signed.rows)} in {file} have",
    )


@guarded
@grouped
def anchor(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Copies of one epoch file that were signed.")
    ],
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Send an epoch to the chain, for all logs that have signed it. Anybody can; it costs the sender's gas.

    Keep the file, and give it to whoever asks: only it shows what of a log is in the anchor
    (`truestep audit-log --epoch`).
    """
    from truestep.adapters.keystore import open_keystore
    from truestep.adapters.logs.epoch_file import merged
    from truestep.adapters.logs.epochs import attestation, require_here

    screen, desk = Screen(as_json=as_json), desk_of(network)
    whole = merged([_read(file) for file in files])
    require_here(whole, desk)
    call = desk.attest_message(attestation(whole, desk.live(whole.group), lambda _: desk.keys()))
    signer = open_keystore(sender.keystore, ask_password(sender.password_file))
    send_as(signer, sender, screen, desk, call, f"anchor epoch {whole.epoch}")
    whole.write(files[0])
    numbers = sorted(map(int, whole.signatures))
    screen.result(
        {"file": str(files[0]), "epoch": whole.epoch, "root": whole.tree().root.hex(), "signed": numbers},
        shown=f"epoch {whole.epoch} is anchored for {counted(len(numbers), 'log')}; keep {files[0]}",
    )


def _read(path: Path) -> "EpochFile":
    from truestep.adapters.logs.epoch_file import FILE_LIMIT_BYTES, parse_epoch

    with path.open("rb") as file:
        return parse_epoch(file.read(FILE_LIMIT_BYTES + 1))
