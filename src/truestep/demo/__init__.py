"""The story that `make demo` tells: its program, its data, its cast and its checks."""
