"""From IR to code that can be called: compilers, their process, the cache on disk, what is entered when."""
