"""What `reduce.py` found, in words: which digits each cluster holds."""

import sys
from pathlib import Path

import numpy as np

record = np.fromfile(sys.argv[1])
centres = record[1:].reshape(10, 64)
digits = np.load(Path(__file__).with_name("digits.npy")).astype(np.float64)
labels = np.load(Path(__file__).with_name("labels.npy"))
distances = ((digits[:, None, :] - centres[None]) ** 2).sum(axis=2)
nearest = distances.argmin(axis=1)
print(f"inertia {record[0]:,.0f}")
for cluster in range(10):
    counts = np.bincount(labels[nearest == cluster], minlength=10)
    share = counts.max() / counts.sum()
    print(f"cluster {cluster}: {counts.sum():3} images, {share:4.0%} of them a {counts.argmax()}")
