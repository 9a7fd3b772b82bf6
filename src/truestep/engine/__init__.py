"""LLVM JIT: the fast twin of the reference machine."""
