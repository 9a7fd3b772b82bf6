"""Names that vulture cannot see in use, each with the reason."""

client_address  # a parameter of socketserver's `handle_error`, which tests override
