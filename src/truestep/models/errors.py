"""What is said about a model that cannot be imported."""

from truestep.guest.errors import GuestBuildError


class ModelRefused(GuestBuildError):
    """A model is damaged, or holds something that cannot become a guest. The message says what to do."""
