"""Programs of others, built unchanged: the engine against native code."""
