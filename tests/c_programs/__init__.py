"""Public C and C++ programs, built unchanged as guests and compared with native ones (docs/c-programs.md)."""
