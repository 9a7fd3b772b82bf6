"""The routines of np.linalg, compiled for this computer and called without a guest."""
