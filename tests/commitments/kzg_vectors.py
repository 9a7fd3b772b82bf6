"""`make kzg-vectors`: plays the official vectors of KZG commitments and cells.

They are made anew by Ethereum's own generator, which is part of the package eth-consensus-specs (CC0): it
runs the executable specification, in Python on arkworks, which shares no code with the library that truestep
uses. The package is fetched into a folder and installed nowhere. Proofs of cells take the specification four
minutes a blob, so by default it makes every 16th; `--every 1` makes all. `--vectors FOLDER` plays files of
consensus-spec-tests instead.

Vectors of internal challenges (`compute_challenge` and the like) are left out: no public function has them.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
import types
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import ckzg

from truestep.adapters.trusted_setup import open_kzg, trusted_setup
from truestep.base.errors import Rejected
from truestep.commitments.kzg import BLOB_SIZE_BYTES, COMMITMENT_SIZE_BYTES, PROOF_SIZE_BYTES, CellCheck

PACKAGE = "eth-consensus-specs==1.7.0a5"
GENERATORS = {
    "deneb": (
        "blob_to_kzg_commitment",
        "compute_blob_kzg_proof",
        "compute_kzg_proof",
        "verify_blob_kzg_proof",
        "verify_blob_kzg_proof_batch",
        "verify_kzg_proof",
    ),
    "fulu": (
        "compute_cells",
        "compute_cells_and_kzg_proofs",
        "recover_cells_and_kzg_proofs",
        "verify_cell_kzg_proof_batch",
    ),
}
EVERY = 16
KZG = open_kzg()
Vector = tuple[str, str, dict[str, Any]]
"""The function, the name of the case, its input and output."""


def played(function: str, given: dict[str, Any]) -> Any:
    """What truestep gives for the input of a vector; None if it refuses it."""
    try:
        return HANDLERS[function](**{name: _bytes(value) for name, value in given.items()})
    except (Rejected, ValueError, RuntimeError):
        return None


def _bytes(value: Any) -> Any:
    if isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return [_bytes(each) for each in value] if isinstance(value, list | tuple) else value


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _open(blob: bytes, z: bytes) -> list[str]:
    y, proof = KZG.open(blob, z)
    return [_hex(proof), _hex(y)]


def _extend(blob: bytes) -> list[list[str]]:
    extended = KZG.extend(blob)
    return [[*map(_hex, extended.cells)], [*map(_hex, extended.proofs)]]


def _recover(cell_indices: list[int], cells: list[bytes]) -> list[list[str]]:
    if cell_indices != sorted({*cell_indices}):
        raise ValueError("a mapping has each number once, and its order says nothing")
    recovered = KZG.recover(dict(zip(cell_indices, cells, strict=True)))
    return [[*map(_hex, recovered.cells)], [*map(_hex, recovered.proofs)]]


def _verify_cells(
    commitments: list[bytes], cell_indices: list[int], cells: list[bytes], proofs: list[bytes]
) -> bool:
    rows = zip(commitments, cell_indices, cells, proofs, strict=True)
    return KZG.verify_cells(
        [CellCheck(commitment=row[0], cell=row[1], content=row[2], proof=row[3]) for row in rows]
    )


def _verify_blobs(blobs: list[bytes], commitments: list[bytes], proofs: list[bytes]) -> bool:
    """The library takes each list as one string, so sizes are checked here."""
    for each in zip(blobs, commitments, proofs, strict=True):
        if tuple(map(len, each)) != (BLOB_SIZE_BYTES, COMMITMENT_SIZE_BYTES, PROOF_SIZE_BYTES):
            raise ValueError(f"expected a blob, a commitment and a proof, got sizes {[*map(len, each)]}")
    joined = (b"".join(blobs), b"".join(commitments), b"".join(proofs))
    verify: Any = ckzg.verify_blob_kzg_proof_batch  # typed as if it took lists
    return verify(*joined, trusted_setup())


HANDLERS: dict[str, Callable[..., Any]] = {
    "blob_to_kzg_commitment": lambda blob: _hex(KZG.commit(blob)),
    "compute_kzg_proof": _open,
    "verify_kzg_proof": KZG.verify_opening,
    "compute_cells": lambda blob: [*map(_hex, KZG.cells(blob))],
    "compute_cells_and_kzg_proofs": _extend,
    "recover_cells_and_kzg_proofs": _recover,
    "verify_cell_kzg_proof_batch": _verify_cells,
    # Truestep has no use for proofs of whole blobs: these show that the library is whole.
    "compute_blob_kzg_proof": lambda blob, commitment: _hex(
        ckzg.compute_blob_kzg_proof(blob, commitment, trusted_setup())
    ),
    "verify_blob_kzg_proof": lambda blob, commitment, proof: ckzg.verify_blob_kzg_proof(
        blob, commitment, proof, trusted_setup()
    ),
    "verify_blob_kzg_proof_batch": _verify_blobs,
}


def fetched(folder: Path) -> None:
    """Put the package where Python finds it."""
    print(f"fetching {PACKAGE}", flush=True)
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), PACKAGE)
    subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
    sys.path.append(str(folder))


def generated(every: int, functions: set[str]) -> Iterator[Vector]:
    """The vectors, as the generator makes them."""
    _stand_in()
    specification = importlib.import_module("eth_consensus_specs.fulu.mainnet")
    specification.bls.use_fastest()
    _remember(specification, every)
    for fork, names in GENERATORS.items():
        for function in names:
            if functions and function not in functions:
                continue
            module = importlib.import_module(f"eth_consensus_specs.test.{fork}.kzg.test_{function}")
            for name, case in vars(module).items():
                if name.startswith("test_"):
                    for _, _, vector in case(specification):
                        yield function, name, vector


def _stand_in() -> None:
    """The decorators of the generator choose forks and write files: here, cases are called as they are."""

    def unchanged(*_: object, **__: object) -> Callable[[Any], Any]:
        return lambda case: case

    def refused(call: Callable[[], object]) -> None:
        try:
            call()
        except (AssertionError, IndexError):
            return
        raise AssertionError("expected the specification to refuse this")

    def template(function: Callable[..., tuple[Any, str]]) -> Callable[..., None]:
        def put(*values: object) -> None:
            case, name = function(*values)
            function.__globals__[name] = case

        return put

    stubs = {
        "eth_consensus_specs.test.context": {
            "expect_assertion_error": refused,
            "only_generator": unchanged,
            "with_phases": unchanged,
            "spec_test": lambda case: case,
            "single_phase": lambda case: case,
        },
        "tests.infra": {},
        "tests.infra.manifest": {"manifest": unchanged},
        "tests.infra.template_test": {"template_test": template},
        "tests.infra.yield_generator": {"vector_test": unchanged, "with_meta_tags": unchanged},
    }
    for name, members in stubs.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module


def _remember(specification: Any, every: int) -> None:
    """Let the specification compute nothing twice, and the proofs of every n-th cell only.

    The other cells and proofs are then the library's, so that they are compared with themselves.
    """
    make_cells = cache(specification.compute_cells)
    make_proof, coset_of = specification.compute_kzg_proof_multi_impl, specification.coset_for_cell

    def of_polynomial(coefficients: Any) -> tuple[list[Any], list[Any]]:
        return _sampled(tuple(coefficients))

    @cache
    def _sampled(coefficients: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
        roots = specification.compute_roots_of_unity(specification.FIELD_ELEMENTS_PER_BLOB)
        values = specification.bit_reversal_permutation(specification.fft_field(coefficients, roots))
        extended = KZG.extend(b"".join(specification.bls_field_to_bytes(value) for value in values))
        cells: list[Any] = [*map(specification.Cell, extended.cells)]
        proofs: list[Any] = [*map(specification.KZGProof, extended.proofs)]
        for index in range(0, len(cells), every):
            proof, ys = make_proof(list(coefficients), coset_of(specification.CellIndex(index)))
            cells[index], proofs[index] = specification.coset_evals_to_cell(ys), proof
        return cells, proofs

    specification.compute_cells = make_cells
    specification.compute_cells_and_kzg_proofs_polynomialcoeff = of_polynomial


def read(folder: Path, functions: set[str]) -> Iterator[Vector]:
    """The vectors in files, `…/FUNCTION/SUITE/CASE/data.yaml`."""
    yaml = importlib.import_module("ruamel.yaml").YAML(typ="safe", pure=True)
    for file in sorted(folder.rglob("data.yaml")):
        function = file.parts[-4]
        if function in HANDLERS and (not functions or function in functions):
            yield function, file.parts[-2], yaml.load(file.read_text("utf-8"))


def main() -> None:
    """Play all vectors; the exit status says whether all have passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=Path, help="a folder of consensus-spec-tests")
    parser.add_argument("--every", type=int, default=EVERY, help="the specification proves every n-th cell")
    parser.add_argument("functions", nargs="*", help="only these functions")
    options = parser.parse_args()
    passed, failed = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        fetched(Path(folder))
        chosen = set(options.functions)
        vectors = read(options.vectors, chosen) if options.vectors else generated(options.every, chosen)
        for function, name, vector in vectors:
            output = vector["output"]
            expected = [*map(_listed, output)] if isinstance(output, list | tuple) else output
            if played(function, vector["input"]) == expected:
                passed[function] += 1
                if passed[function] % 10 == 1:
                    print(f"{function} …", flush=True)
            else:
                failed.append(f"{function} {name}")
    for function, count in passed.items():
        print(f"{function}: {count} passed")
    for each in failed:
        print(f"FAILED {each}")
    print(f"{passed.total()} passed, {len(failed)} failed")
    sys.exit(bool(failed) or not passed)


def _listed(value: Any) -> Any:
    return [*value] if isinstance(value, tuple) else value


if __name__ == "__main__":
    main()
