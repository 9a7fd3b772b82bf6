"""Compile the verifier contracts: `python -m truestep.circuits.templates` writes them, `--check` compares.

A verifier depends on the size of its circuit in code, and on the verification key only in constants. So one
template for each size is compiled with a made-up key, and the places of its words are noted. Who deploys
fills in the words; nobody needs a Solidity compiler. For developers: it takes the prover and solc from npm.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from truestep.circuits.errors import CircuitError
from truestep.circuits.processes import Limits
from truestep.circuits.reference import PUBLIC_INPUTS, STATED_PUBLIC_INPUTS
from truestep.circuits.setup_key import POINT_BYTES, SECRET_POINTS, KeyName, make_development_key
from truestep.circuits.toolchain import Tools, node, tools_folder
from truestep.circuits.verifier import (
    KEY_POINTS,
    TEMPLATES_FILE,
    key_hash,
    key_header,
    key_words,
    template_name,
)

LOG_SIZES = range(11, 22)
"""A circuit that checks two proofs has 2^21 gates; more take minutes to prove."""
STATED_LOG_SIZES = range(11, 20)
"""Inputs of at most 806 bytes: models of them are smaller."""
SOLC_FOLDER = Path(".solc/node_modules/solc")
_LIMITS = Limits(seconds=120, memory_bytes=2 << 30)
_SETTINGS: dict[str, Any] = {
    "optimizer": {"enabled": True, "runs": 1},
    "evmVersion": "cancun",
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "outputSelection": {"*": {"*": ["evm.bytecode.object", "evm.deployedBytecode.object"]}},
}
_PROGRAM = "process.stdout.write(require(process.argv[1]).compile(require('fs').readFileSync(0, 'utf8')))"


def build(tools: Tools, solc: Path) -> dict[str, Any]:
    """The templates, by the logarithm of the circuit's size and the number of public inputs."""
    kinds = [(size, PUBLIC_INPUTS) for size in LOG_SIZES]
    kinds += [(size, STATED_PUBLIC_INPUTS) for size in STATED_LOG_SIZES]
    version = json.loads((solc / "package.json").read_text("utf-8"))["version"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        points = _placeholders(folder)
        verifiers = {template_name(*kind): _template(tools, solc, folder, kind, points) for kind in kinds}
    return {
        "source": "the optimised Solidity verifier that bb writes (Apache-2.0)",
        "compiler": f"solc {version}",
        "settings": _SETTINGS,
        "verifiers": verifiers,
    }


def _placeholders(folder: Path) -> list[bytes]:
    """Points none of whose coordinates is short, so that the compiler writes each as a word."""
    make_development_key(folder, 1024)
    content = (folder / "bn254_g1.dat").read_bytes()
    starts = range(POINT_BYTES, len(content), POINT_BYTES)
    every = [content[start : start + POINT_BYTES] for start in starts]
    return [point for point in every if point[0] and point[32]][:KEY_POINTS]


def _template(
    tools: Tools, solc: Path, folder: Path, kind: tuple[int, int], points: list[bytes]
) -> dict[str, Any]:
    key = b"".join(word.to_bytes(32, "big") for word in key_header(*kind)) + b"".join(points)
    (folder / "key").write_bytes(key)
    target = ["-o", "verifier.sol", "-t", "evm-no-zk", "--optimized"]
    tools.run_bb(["write_solidity_verifier", "-k", "key", *target], folder, _LIMITS)
    source = (folder / "verifier.sol").read_text("utf-8")
    code, deployed = _compiled(solc, source)
    return {
        "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
        "bytecode": code.hex(),
        "deployed_from": len(code) - len(deployed),
        "key_places": [_place(code, word) for word in key_words(key)],
        "hash_place": _place(code, key_hash(key)),
        "secret_places": [
            _place(code, word.to_bytes(32, "big")) for word in SECRET_POINTS[KeyName.PRODUCTION]
        ],
    }


def _place(code: bytes, word: bytes) -> int:
    """Where a constant stands; it must be a whole word, and there only."""
    place = code.find(word)
    if place < 1 or code.count(word) != 1 or code[place - 1] != 0x7F:
        raise CircuitError("the compiler does not write each constant of the verifier as one PUSH32")
    return place


def _compiled(solc: Path, source: str) -> tuple[bytes, bytes]:
    request = {
        "language": "Solidity",
        "sources": {"verifier.sol": {"content": source}},
        "settings": _SETTINGS,
    }
    finished = subprocess.run(
        [str(node()), "-e", _PROGRAM, str(solc.resolve())],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    output = json.loads(finished.stdout)
    contracts = output.get("contracts", {}).get("verifier.sol", {})
    if "HonkVerifier" not in contracts:
        raise CircuitError(f"solc does not compile the verifier: {output.get('errors')}")
    parts = contracts["HonkVerifier"]["evm"]
    first, second = (bytes.fromhex(parts[name]["object"]) for name in ("bytecode", "deployedBytecode"))
    return first, second


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m truestep.circuits.templates", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the file there is; write nothing")
    parser.add_argument("--solc", type=Path, default=SOLC_FOLDER, help="the npm package solc")
    options = parser.parse_args(arguments)
    text = json.dumps(build(Tools(tools_folder()), options.solc), indent=1) + "\n"
    if not options.check:
        TEMPLATES_FILE.parent.mkdir(exist_ok=True)
        TEMPLATES_FILE.write_text(text, encoding="utf-8")
        return 0
    if TEMPLATES_FILE.read_text("utf-8") == text:
        return 0
    sys.stderr.write("the verifiers differ from what bb and solc make; look at the versions of both\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
