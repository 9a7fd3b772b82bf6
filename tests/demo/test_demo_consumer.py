"""The demo's consumer is the example, compiled. To renew it: `python -m tests.demo.test_demo_consumer`."""

from pathlib import Path

from truestep.contracts.build import CONTRACTS_FOLDER, build
from truestep.demo.consumer import ARTIFACT

SOURCE = Path(__file__).resolve().parents[2] / "examples" / "contracts" / "MeanOfJob.vy"


def compiled() -> str:
    return build([SOURCE], [CONTRACTS_FOLDER])["MeanOfJob.json"]


def test_the_artifact_is_the_source_compiled() -> None:
    assert ARTIFACT.read_text(encoding="utf-8") == compiled()


if __name__ == "__main__":
    ARTIFACT.write_text(compiled(), encoding="utf-8")
