"""The reference machine: state, memory, decode, step, ELF."""
