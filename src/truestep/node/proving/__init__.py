"""The worker's prover: proofs of its claims are work items like runs."""
