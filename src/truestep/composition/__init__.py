"""Where parts are wired together: the only package that knows both ports and adapters."""
