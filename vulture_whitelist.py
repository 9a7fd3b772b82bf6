"""Names that vulture cannot see in use, each with the reason."""

client_address  # a parameter of socketserver's `handle_error`, which tests override
optimize  # a parameter of np.einsum, which guests may give and which decides nothing
overwrite_input  # likewise, of np.median and np.quantile
subok  # likewise, of np.zeros_like and its like
