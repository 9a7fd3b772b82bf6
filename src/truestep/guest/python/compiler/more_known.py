"""What is raised when more has become known of a guest, so that it is compiled again from the beginning."""


class StartOver(BaseException):
    """More is known of the guest; not an Exception, which inference would catch."""
