"""The chain port, implemented with web3."""
