"""The calls and events of Anchors as types."""
