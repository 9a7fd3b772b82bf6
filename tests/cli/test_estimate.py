"""What `truestep estimate` says of programs; tests/circuits has the models."""

import json
from pathlib import Path

from tests.cli.conftest import Invoke


def test_a_program_costs_its_run_and_its_gas(truestep: Invoke, hello_elf: Path) -> None:
    told = truestep("estimate", str(hello_elf), "--json")
    assert told.exit_code == 0, told.stderr
    fields = json.loads(told.stdout)
    assert fields["validity"] is None and fields["optimistic"]["cycles"] > 0
    assert "proven by other systems" in told.stderr
    words = truestep("estimate", str(hello_elf)).stdout
    assert "measured here" in words and "take, claim and finalize" in words


def test_a_float_model_is_to_be_quantised(truestep: Invoke) -> None:
    refused = truestep("estimate", "digits.onnx")
    assert refused.exit_code == 1 and "truestep quantise" in refused.stderr


def test_a_run_that_fails_says_so(truestep: Invoke, tmp_path: Path) -> None:
    source = tmp_path / "fails.c"
    source.write_text("int main(void) { return 3; }\n")
    refused = truestep("estimate", str(source))
    assert refused.exit_code == 1 and "it fails (exited, code 3)" in " ".join(refused.stderr.split())
