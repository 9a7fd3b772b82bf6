# llvmlite ships no types: this is the part of it that truestep uses.
__version__: str
