"""Drop-in replacements of `cc`, `c++`, `ar` and `ranlib` for build files of other computers."""
