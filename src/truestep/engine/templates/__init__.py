"""The first tier on x86-64: machine code joined from a template for each guest instruction, without LLVM."""
