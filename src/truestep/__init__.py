"""Off-chain work whose results any EVM chain can check."""

__version__ = "0.1.0"
