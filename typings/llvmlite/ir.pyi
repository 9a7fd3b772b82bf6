# llvmlite's IR builder ships no types: all of it is Any to the checker.
from typing import Any

def __getattr__(name: str) -> Any: ...
