"""LLVM IR for the guest's code, for what it calls, and for the walk."""
