"""Toolchains that turn guest programs into RISC-V ELF files."""
