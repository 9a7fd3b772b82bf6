"""The chain port over web3."""
