"""What `truestep verify` says of proofs of other systems, and of statements that bind them to programs."""

import hashlib
import re
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from truestep.base.errors import Reject, Rejected
from truestep.cli.failure import ExitCode
from truestep.cli.screen import Screen
from truestep.client.foreign_receipts import FOREIGN_LIMIT_BYTES, parse_image, read_foreign
from truestep.client.proof_bindings import ProofBinding, check_binding, parse_binding
from truestep.client.sp1_files import is_sp1_file
from truestep.proofs.receipts import ForeignReceipt, Verdict, check_receipt
from truestep.proofs.versions import System

SHOWN_BYTES = 64
"""Of a journal, for people; --json has all of it."""
_OWN = re.compile(rb'\s*\{\s*"format"\s*:\s*"truestep (?!proof binding")')
_BINDING = re.compile(rb'\s*\{\s*"format"\s*:\s*"truestep proof binding"')
_HEAD_BYTES = 256


def verify_foreign(screen: Screen, path: Path, image: str | None, binding: Path | None) -> bool:
    """Check the file if it is a proof of another system or a binding of one; False if it is neither.

    Raises typer.Exit if it is not verified, Rejected for what is no such proof.
    """
    expected = None if image is None else parse_image(image)
    text = _content(path)
    if text is not None and _BINDING.match(text):
        _verify_binding(screen, path, parse_binding(text))
        return True
    found = None if text is None else read_foreign(text, expected)
    if found is None:
        if image is not None or binding is not None:
            raise typer.BadParameter(
                f"{path} is no proof of RISC Zero or SP1; leave --image and --binding out"
            )
        return False
    bound = None if binding is None else _bound(binding, found)
    _say(screen, path, found, check_receipt(found), bound)
    return True


def _content(path: Path) -> bytes | None:
    """The file's bytes; None if it is one of truestep's own or larger than foreign ones are."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if _OWN.match(head):
            return None
        text = head + file.read(FOREIGN_LIMIT_BYTES + 1)
    if head.lstrip()[:1] != b"{" and not is_sp1_file(head):
        raise Rejected(
            Reject.RECEIPT_MALFORMED,
            f"{path} is not JSON; expected a file from `truestep receipt`, `submit --receipt` or `demo`, or a"
            " proof of RISC Zero or SP1 as JSON: if a prover wrote it in its own form, have it written with"
            " serde_json (docs/receipts.md R7)",
        )
    return text


def _bound(path: Path, found: ForeignReceipt) -> ProofBinding:
    """The binding of the proof's program. Raises Rejected if it is of another one."""
    with path.open("rb") as file:
        bound = parse_binding(file.read(FOREIGN_LIMIT_BYTES))
    check_binding(bound)
    if (bound.system, bound.image) != (found.system.value, found.image.hex()):
        raise Rejected(
            Reject.PROOF_IMAGE,
            f"{path} is about {bound.system} {bound.image}, the proof about {found.system.value}"
            f" {found.image.hex()}; give the binding of this program",
        )
    return bound


def _say(
    screen: Screen, path: Path, found: ForeignReceipt, verdict: Verdict, bound: ProofBinding | None
) -> None:
    version = verdict.version
    fields: dict[str, Any] = {
        "receipt": str(path),
        "verified": verdict.holds,
        "chain_checked": False,
        "executed": False,
        "system": version.system.value,
        "kind": version.kind.value,
        "version": version.version,
        "selector": f"0x{version.selector.hex()}",
        "image": found.image.hex(),
        "journal": found.journal.hex(),
        "journal_sha256": hashlib.sha256(found.journal).hexdigest(),
        "caution": version.caution,
        **({"root": verdict.root.hex()} if verdict.root else {}),
        **({} if bound is None else {"binding": bound.model_dump()}),
    }
    screen.result(fields, shown=_words(found, verdict, bound))
    if not verdict.holds:
        raise typer.Exit(ExitCode.REFUSED)


def _words(found: ForeignReceipt, verdict: Verdict, bound: ProofBinding | None) -> str:
    version = verdict.version
    is_sp1 = version.system is System.SP1
    lines = [
        f"a Groth16 proof of {version.name}, selector 0x{version.selector.hex()}",
        f"  {'verifying key' if is_sp1 else 'image id'}: {found.image.hex()}",
        f"  {'public values' if is_sp1 else 'journal'}: {_journal_in_words(found.journal)}",
        *([f"  in the set with root {verdict.root.hex()}"] if verdict.root else []),
    ]
    if not verdict.holds:
        lines.append(
            "[bold red]not verified[/]: this is no proof that the program wrote these bytes. The file was"
            " changed, or is of a run that ended otherwise or under assumptions; do not rely on it"
        )
        return "\n".join(lines)
    lines += [
        "[green]✓[/] proven: a program with this name ended well and wrote just these bytes",
        "  not proven: what it was given, unless it wrote that; that it does what a truestep program does",
        *([f"  {version.caution}"] if version.caution else []),
        *(_binding_lines(bound) if bound else []),
        "[bold green]verified[/]",
    ]
    return "\n".join(lines)


def _journal_in_words(journal: bytes) -> str:
    size = f"{len(journal):,} bytes"
    if not journal:
        return size
    text = journal[:SHOWN_BYTES]
    more = "…" if len(journal) > SHOWN_BYTES else ""
    is_text = text.isascii() and text.decode("ascii").isprintable()
    return f"{size}, " + (escape(f'"{text.decode()}{more}"') if is_text else f"{text.hex()}{more}")


def _binding_lines(bound: ProofBinding) -> list[str]:
    who = f"{bound.binder} has signed" if bound.binder else "an unsigned file says"
    return [f"  {who}: {escape(bound.says)}"]


def _verify_binding(screen: Screen, path: Path, bound: ProofBinding) -> None:
    check_binding(bound)
    fields = {"receipt": str(path), "verified": True, "chain_checked": False, "executed": False}
    signed = (
        "[bold green]verified[/]: the signature, not what it says"
        if bound.binder
        else "nobody has signed it: it is worth what you know of where it comes from"
    )
    screen.result(
        {**fields, "binding": bound.model_dump()}, shown="\n".join([*_binding_lines(bound), signed])
    )
