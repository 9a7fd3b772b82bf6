"""How many of the labels that `reduce.py` found are right, and the first images."""

import sys
from pathlib import Path

import numpy as np

SHARDS = int(sys.argv[2])
found = np.fromfile(sys.argv[1], np.uint8).reshape(-1, 2)
labels = np.load(Path(__file__).with_name("labels.npy"))
# Shard i had the images i, i + SHARDS, ...; its labels stand together.
order = np.concatenate([np.arange(shard, len(labels), SHARDS) for shard in range(SHARDS)])
right = found[:, 0] == labels[order]
print(f"{right.sum()} of {len(labels)} images are classified right, {right.mean():.1%}")
print(f"mean probability of the label: {found[:, 1].mean():.0f} %")
