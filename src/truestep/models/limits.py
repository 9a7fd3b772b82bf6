"""How large a model may be: whoever wrote the file may mean harm."""

FILE_LIMIT_BYTES = 128 * 2**20
"""Twice the largest program: a model's file holds its numbers once, as text at most a few times as long."""
NUMBERS_LIMIT = 2**26
"""Numbers of one tensor, and of one row at any place: 512 MiB as doubles, a third of a guest's memory."""
NODES_LIMIT = 2**22
"""Nodes of all trees: 64 MiB in a program, which is the largest one."""
STEPS_LIMIT = 20_000
"""Operators of a graph, and layers; large networks of today have some thousands."""
FEATURES_LIMIT = 2**22
"""Numbers of a row: an image of 1,024 by 1,024 in colour has 3 million."""
AXES_LIMIT = 8
"""Axes of a tensor: networks have five at most."""
TOTAL_LIMIT = 2**27
"""Numbers of a row in all layers together, or of all constants that operators make: 1 GiB as doubles."""
