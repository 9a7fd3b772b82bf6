"""LightGBM's models as guests: the sums of trees are LightGBM's to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.models.running import features, predict
from truestep.models import ModelRefused, from_lightgbm
from truestep.models.lightgbm_text import from_lightgbm_text

lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed: make setup")
ROWS, COLUMNS, CATEGORIES = 1500, 8, 3
SETTINGS = {"verbose": -1, "num_threads": 1, "num_leaves": 15, "min_data_per_group": 5, "cat_smooth": 1.0}
"""With so few rows, categories would not be split without the last two."""


def trained(seed: int, rounds: int = 12, **settings: Any) -> Any:
    """A small model; column CATEGORIES holds categories."""
    rows = features(seed, 600, COLUMNS, strange=True)
    rng = np.random.default_rng(seed)
    rows[:, CATEGORIES] = rng.integers(0, 70, len(rows))
    rows[rng.random(len(rows)) < 0.05, CATEGORIES] = np.nan
    score = np.clip(np.nan_to_num(rows[:, 0]), -3, 3) + 2 * (rows[:, CATEGORIES] % 7 > 3)
    classes = settings.get("num_class", 2)
    target = (
        np.digitize(score, np.linspace(0.5, 2, classes - 1))
        if settings.pop("classifies", False)
        else np.exp(score / 3)
    )
    data = lightgbm.Dataset(rows, target, categorical_feature=[CATEGORIES])
    return lightgbm.train({**SETTINGS, "seed": seed, **settings}, data, rounds)


def asked(seed: int) -> np.ndarray:
    """Rows that the model has not seen, with categories that it does not know."""
    rows = features(seed + 1000, ROWS, COLUMNS, strange=True)
    rng = np.random.default_rng(seed)
    known = rng.integers(-3, 90, ROWS).astype(float) + rng.choice([0, 0.5], ROWS)
    rows[:, CATEGORIES] = np.where(rng.random(ROWS) < 0.1, rows[:, CATEGORIES], known)
    rows[:2, CATEGORIES] = [1e10, -0.5]
    return rows


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "binary", "classifies": True, "sigmoid": 0.7},
        {"objective": "multiclass", "num_class": 3, "classifies": True},
        {"objective": "poisson", "zero_as_missing": True},
        {"objective": "regression", "use_missing": False},
        {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7},
        {"objective": "multiclassova", "num_class": 3, "classifies": True, "max_depth": 1},
        {"objective": "regression", "reg_sqrt": True, "min_data_in_leaf": 10_000},
        {"objective": "cross_entropy_lambda"},
    ],
    ids=lambda settings: str(settings["objective"]),
)
def test_predictions_are_lightgbms(settings: dict[str, Any]) -> None:
    if settings["objective"] == "cross_entropy_lambda":
        model = trained(4, objective="cross_entropy_lambda", classifies=True)
    else:
        model = trained(len(str(settings)), **settings)
    assert (
        model.num_trees() == 1 or settings.get("max_depth") or "\ncat_threshold=" in model.model_to_string()
    )
    rows = asked(3)
    sums = predict(from_lightgbm(model, wanted="raw"), rows)
    np.testing.assert_array_equal(sums, model.predict(rows, raw_score=True, num_threads=1))
    np.testing.assert_array_max_ulp(
        predict(from_lightgbm(model), rows), model.predict(rows, num_threads=1), 8
    )


def test_files_with_other_line_ends_and_one_feature() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(200, 1))
    model = lightgbm.LGBMRegressor(n_estimators=3, verbose=-1, n_jobs=1).fit(rows, rows[:, 0] ** 2)
    text = model.booster_.model_to_string().replace("\n", "\r\n")
    np.testing.assert_array_equal(predict(from_lightgbm_text(text), rows), model.booster_.predict(rows))


@pytest.fixture(scope="module")
def text() -> str:
    return trained(2, 8, objective="binary", classifies=True).model_to_string()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tree\n", "forest\n", "first line"),
        ("end of trees", "", "breaks off"),
        ("max_feature_idx=7", "max_feature_idx=1", "ask for features 0 to 1"),
        ("max_feature_idx=7", "max_feature_idx=9999999999", "features"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=0", "features and outputs"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=7", "a tree for each"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=one", "expected integers"),
        ("objective=binary", "objective=sorcery", "sorcery"),
        ("is_linear=0", "is_linear=1", "linear_tree"),
        ("\nleft_child=", "\nleft_child=0 ", "numbers for left_child"),
        ("\nthreshold=", "\nthreshold=nan ", "numbers for threshold"),
        ("\ncat_boundaries=0", "\ncat_boundaries=5 4 0", "cat_boundaries"),
        ("\ncat_threshold=", "\ncat_threshold=-1 ", "32 bits"),
        ("num_leaves=15", "num_leaves=99999999999", "leaves"),
        ("num_leaves=15", "num_leaves=14", "14 numbers for leaf_value"),
    ],
)
def test_damaged_files_are_refused(text: str, old: str, new: str, said: str) -> None:
    assert old in text
    with pytest.raises(ModelRefused, match=said):
        from_lightgbm_text(text.replace(old, new, 1))


def test_trees_that_are_no_trees_are_refused(text: str) -> None:
    line = next(line for line in text.splitlines() if line.startswith("left_child="))
    cyclic = text.replace(line, "left_child=" + " ".join("0" for _ in line.split()), 1)
    with pytest.raises(ModelRefused, match="twice"):
        from_lightgbm_text(cyclic)
    beyond = text.replace(
        line, "left_child=" + " ".join(f"-{99 + place}" for place, _ in enumerate(line.split())), 1
    )
    with pytest.raises(ModelRefused, match="found none"):
        from_lightgbm_text(beyond)


def test_what_is_wanted_is_checked(text: str) -> None:
    with pytest.raises(ModelRefused, match="predict, raw"):
        from_lightgbm_text(text, wanted="shap")
    with pytest.raises(ModelRefused, match=r"lightgbm\.Booster"):
        from_lightgbm(3)
