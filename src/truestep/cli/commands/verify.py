"""`truestep verify`: checks a receipt, disclosure or deletion receipt; anybody who has the file can."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.adapters.keepers.deletion import DeletionReceipt, check_deletion
from truestep.base.errors import Reject, Rejected
from truestep.base.text import counted
from truestep.cli.connection import unknown_code_warning
from truestep.cli.failure import ExitCode, Failure
from truestep.cli.foreign_proofs import verify_foreign
from truestep.cli.options import BeaconOption, NetworkOption, TrustOption, chosen_file
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.disclosure import Disclosure, check_disclosure, read_shown
from truestep.client.files import read_input, read_program
from truestep.client.receipt import ProofPart, Receipt
from truestep.client.receipt_proofs import proof_warnings
from truestep.client.verification import (
    Check,
    check_by_execution,
    check_chain,
    check_contents,
    open_rerun,
)
from truestep.composition.engines import EngineName, open_engine

if TYPE_CHECKING:
    from truestep.ports.blobs import Blobs
    from truestep.ports.chain import ChainReader

EXAMPLE = "Example: truestep verify receipt.json --rpc http://127.0.0.1:8545 --deployment deployment.json"


OWN_VERIFIER = (
    "the receipt names the verifiers of its proofs itself: only the chain says that they are believed; leave"
    " out --offline to ask it"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="verify", epilog=EXAMPLE)(verify)


@guarded
def verify(
    receipt: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A receipt, written by `submit`, `receipt` or `demo`, a disclosure, a deletion receipt of a"
            " keeper, or a proof: of `prove`, of RISC Zero or of SP1.",
        ),
    ],
    rpc: Annotated[
        list[str] | None,
        typer.Option(
            "--rpc",
            metavar="URL|FILE",
            envvar="TRUESTEP_RPC",
            help="A node, or a saved chain. Default: the `.chain` file next to the receipt.",
        ),
    ] = None,
    deployment: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="TRUESTEP_DEPLOYMENT", help="Check that the receipt names these contracts."
        ),
    ] = None,
    network: NetworkOption = None,
    trust_unknown_code: TrustOption = False,
    blobs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL|DIR",
            envvar="TRUESTEP_BLOBS",
            help="A store that has a large program or input. Repeat it to use several.",
        ),
    ] = None,
    program: Annotated[Path | None, typer.Option(metavar="FILE", help="The ELF file of the program.")] = None,
    input_file: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="The input of the job.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not check against the chain.")] = False,
    no_execute: Annotated[bool, typer.Option("--no-execute", help="Do not run the program again.")] = False,
    beacon: BeaconOption = None,
    image: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Of a foreign proof: the image id or verifying key it must be of."),
    ] = None,
    binding: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a foreign proof: who says what program it stands for."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a proof: the model whose circuit it must be of."),
    ] = None,
    key_digest: Annotated[
        str | None,
        typer.Option(metavar="0x…", help="Of a proof: the digest of the circuit's key that you trust."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a receipt against chain and program, what a disclosure shows, a deletion, or a foreign proof.

    Exits with 0 only if every check confirms the file. A small program and input are inside the receipt;
    larger ones are fetched from the keepers of its items, if it has any, or from --blobs, or read from the
    files you name. If the receipt contradicts itself or the chain, the program is not run. For a disclosure
    it is not run either: its input is not shown. Of a deletion receipt, which keepers write, only the
    signature is checked: nothing can prove that there is no copy. Proofs of RISC Zero and SP1 are checked
    without a chain, if they are Groth16 proofs in JSON; what is proven is said in words (docs/receipts.md).
    A proof of `prove` is run through the code of its verifier contract; --model or --key-digest says which
    circuit you trust, --input of which input it is.
    """
    from truestep.cli.circuit_proofs import is_proof_file, verify_circuit_proof
    from truestep.composition.network import open_blobs, open_kept_blobs

    screen = Screen(as_json=as_json)
    if is_proof_file(receipt):
        verify_circuit_proof(screen, receipt, input_file, model, key_digest)
        return
    if model is not None or key_digest is not None:
        raise Failure(
            "not a proof", f"--model and --key-digest are for a proof of a model; {receipt} is no such file"
        )
    if verify_foreign(screen, receipt, image, binding):
        return
    file = read_shown(receipt)
    if isinstance(file, DeletionReceipt):
        _verify_deletion(screen, receipt, file)
        return
    held = file if isinstance(file, Receipt) else file.receipt
    groups = {"the receipt is consistent": list(check_contents(held))}
    if not isinstance(file, Receipt):
        groups["the bytes shown are in the output"] = list(check_disclosure(file))
    sources = open_blobs(blobs) if blobs else None
    if not offline:
        warning = unknown_code_warning(screen, is_trusted=trust_unknown_code)
        node = _node(receipt, rpc)
        with _chain(held, receipt, node, chosen_file(deployment, network), warning) as chain:
            groups["the chain says the same"] = list(check_chain(held, chain))
            if blobs or held.kept is not None:
                sources = open_kept_blobs(blobs or [], chain, held.deployment, node, beacon or [])
    is_refuted = any(not check.passed for group in groups.values() for check in group)
    is_run = not (no_execute or is_refuted) and isinstance(file, Receipt)
    if is_run:
        groups["running it again gives the same"] = _execute(screen, held, sources, program, input_file)
    screen.warn([*proof_warnings(held), *([OWN_VERIFIER] if offline and held.proofs else [])])
    checks = [check for group in groups.values() for check in group]
    is_verified = all(check.passed for check in checks)
    fields = {
        "receipt": str(receipt),
        "job_id": held.job_id,
        "verified": is_verified,
        "chain_checked": not offline,
        "executed": is_run,
        "checks": [{"name": c.name, "passed": c.passed, "detail": c.detail} for c in checks],
        **({} if isinstance(file, Receipt) else {"disclosed": _disclosed(file)}),
    }
    screen.result(fields, shown=_shown(held, groups))
    if not is_verified:
        raise typer.Exit(ExitCode.REFUSED)


def _verify_deletion(screen: Screen, path: Path, file: DeletionReceipt) -> None:
    check_deletion(file)
    said = file.model_dump(exclude={"format", "version", "signature"})
    when = datetime.fromtimestamp(file.deleted_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    screen.result(
        {"receipt": str(path), "verified": True, "chain_checked": False, **said},
        shown=f"{file.holder} has signed that it has no cells {_ranges(file.cells)} of item {file.item_id}"
        f" of {file.items} on chain {file.chain_id} any more since {when} UTC\n"
        f"  the item's name: {file.item_name}\n"
        "[bold green]verified[/]: the signature. The chain was not asked whether this account kept the item,"
        " and nothing can prove that there is no copy",
    )


def _ranges(cells: Sequence[int]) -> str:
    """0 to 2, 5 for 0, 1, 2 and 5."""
    starts = [cell for cell in cells if cell - 1 not in cells]
    ends = [cell for cell in cells if cell + 1 not in cells]
    return ", ".join(
        f"{first} to {last}" if first < last else str(first) for first, last in zip(starts, ends, strict=True)
    )


@contextmanager
def _chain(
    held: Receipt,
    receipt: Path,
    node: Any,
    deployment: Path | None,
    on_unknown_code: Callable[[str], None] | None,
) -> Generator["ChainReader"]:
    """The chain to check against. If the user names a deployment file, the contracts must be the same."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.composition.network import open_reader

    if deployment is not None and read_deployment(deployment) != held.deployment:
        raise Rejected(
            Reject.WRONG_CHAIN,
            f"the receipt names other contracts than {deployment}, on chain {held.deployment.chain_id};"
            " it is not a receipt of this network",
        )
    yield open_reader(node, held.deployment, on_unknown_code)


def _node(receipt: Path, rpc: list[str] | None) -> Any:
    """The node to ask, or the saved chain."""
    node: Any = rpc or [str(_beside(receipt))]
    if len(node) == 1 and not node[0].startswith(("http://", "https://")):
        from truestep.devnet.chain_file import open_chain_file

        node = open_chain_file(Path(node[0])).node
    return node


def _beside(receipt: Path) -> Path:
    """The chain that the demo saved next to its receipt."""
    kept = receipt.with_suffix(".chain")
    if not kept.is_file():
        raise Failure(
            "no chain",
            "expected a chain to check against; give --rpc URL, or --offline to skip this check",
        )
    return kept


def _disclosed(file: Disclosure) -> list[dict[str, Any]]:
    """The bytes shown, in hex."""
    leaves = [part.as_leaves() for part in file.ranges]
    return [
        {
            "shard": file.shard_index,
            "start": each.first_byte,
            "end": each.first_byte + len(each.content),
            "content": each.content.hex(),
        }
        for each in leaves
    ]


def _execute(
    screen: Screen, held: Receipt, sources: "Blobs | None", program: Path | None, input_file: Path | None
) -> list[Check]:
    elf = read_program(program).elf if program else None
    content = read_input(input_file) if input_file else None
    replay = open_rerun(held, sources, elf, content)
    starts = list(accumulate((shard.cycle for shard in held.shards), initial=0))
    with screen.cycles(f"running {counted(len(held.shards), 'shard')} again", total=starts[-1]) as progress:

        def sink(position: int) -> Callable[[int], None]:
            return lambda cycle: progress(starts[position] + cycle)

        return list(check_by_execution(held, replay, open_engine(EngineName.JIT), sink))


def proof_in_words(part: ProofPart) -> str:
    """Which system has proven a shard."""
    name = f"{part.system}, {part.bits} bits" if part.version is None else f"{part.version}, {part.bits} bits"
    return f"shard {part.shard_index} was proven by entry {part.entry}: {name}"


def _shown(held: Receipt, groups: Mapping[str, Sequence[Check]]) -> str:
    """One line per group, and one per failed check."""
    lines = [f"job {held.job_id} on chain {held.deployment.chain_id}, {counted(held.shard_count, 'shard')}"]
    lines += [escape(proof_in_words(part)) for part in held.proofs or ()]
    for title, checks in groups.items():
        failed = [check for check in checks if not check.passed]
        mark = "[bold red]✗[/]" if failed else "[green]✓[/]"
        lines.append(f"{mark} {title} ({len(checks) - len(failed)} of {counted(len(checks), 'check')})")
        lines += [f"    {check.name}: {escape(check.detail)}" for check in failed]
    is_verified = all(check.passed for checks in groups.values() for check in checks)
    verdict = (
        "[bold green]verified[/]" if is_verified else "[bold red]not verified[/]: do not rely on this result"
    )
    return "\n".join([*lines, verdict])
