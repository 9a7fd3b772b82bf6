"""The commands of the `truestep` program: options in, words and JSON out."""
