"""What a run and the process that compiles for it say to each other."""

import struct

REQUEST = struct.Struct(">QQQdB")
"""Number, sizes of key and IR, heat, tier. Key and IR follow."""
ANSWER = struct.Struct(">QQ")
"""Number and size of the object code, which follows."""
BEGUN = (1 << 64) - 1
"""As a size: the process begins with this request now."""
READY = b"ready..."
"""The first message of the process."""
