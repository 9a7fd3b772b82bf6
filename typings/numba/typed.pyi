# Numba is changed from inside here, and ships no types for that: all of it is Any to the checker.
from typing import Any

def __getattr__(name: str) -> Any: ...
