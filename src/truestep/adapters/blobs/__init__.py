"""The blob port."""
