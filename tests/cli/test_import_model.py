"""`truestep import`: from a trained model's file to predictions."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Invoke

TWO_LEAVES = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=age height

Tree=0
num_leaves=2
num_cat=0
split_feature=1
threshold=1.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-0.25 0.75
is_linear=0
shrinkage=1


end of trees
"""


def test_a_model_becomes_a_program(truestep: Invoke, tmp_path: Path) -> None:
    model, rows = tmp_path / "model.txt", tmp_path / "rows.csv"
    model.write_text(TWO_LEAVES)
    rows.write_text("age,height\n30,1.4\n30,1.6\n,\n")
    first = truestep("import", model, "-o", tmp_path / "raw.elf", "--wanted", "raw", "--json").fields()
    assert (first["model"], first["features"], first["prediction_shape"]) == ("LightGBM, 1 trees", 2, [])
    assert first["prediction_dtype"] == "float64"
    again = truestep("import", model, "-o", tmp_path / "again.elf", "--wanted", "raw", "--json").fields()
    assert again["elf_sha256"] == first["elf_sha256"]
    assert again["recipe_sha256"] == first["recipe_sha256"]
    output = tmp_path / "predictions.csv"
    ran = truestep("run", tmp_path / "raw.elf", "--input", rows, "-o", output, "--json")
    assert (ran.exit_code, output.read_text()) == (0, "-0.25\n0.75\n-0.25\n")


def test_refusals_are_sentences(truestep: Invoke, tmp_path: Path) -> None:
    pickle, model = tmp_path / "model.pkl", tmp_path / "model.txt"
    pickle.write_bytes(b"\x80\x04\x95")
    model.write_text(TWO_LEAVES)
    refused = truestep("import", pickle, "--json")
    assert (refused.exit_code, refused.fields()["error"]["reason"]) == (1, "does not build")
    assert "from_sklearn" in refused.stdout
    assert "expected one of predict, raw" in truestep("import", model, "--wanted", "shap").stderr
    assert truestep("import", tmp_path / "none.onnx").exit_code == 1
    assert truestep("import", model, "-o", model).exit_code == 1
    assert model.read_text() == TWO_LEAVES
