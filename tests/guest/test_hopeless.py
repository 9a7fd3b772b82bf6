"""What is known of functions that fail with whatever types, so that nothing is looked for in vain."""

import pytest

from truestep.guest.python.compiler.hopeless import (
    inferring,
    is_hopeless,
    keep_hopeless,
    note_hopeless,
    raise_hopeless,
)


def test_callers_of_a_hopeless_function_are_hopeless() -> None:
    with pytest.raises(ValueError), inferring(is_guess=False) as caller:
        with pytest.raises(ValueError), inferring(is_guess=False) as called:
            note_hopeless()
            raise ValueError
        assert called.is_hopeless
        keep_hopeless(ValueError("the first"))
        keep_hopeless(ValueError("the second"))
        with pytest.raises(ValueError, match="the first"):
            raise_hopeless()
        raise ValueError
    assert caller.is_hopeless
    assert not is_hopeless()


def test_a_function_that_was_inferred_after_all_is_not() -> None:
    with inferring(is_guess=False) as caller:
        with inferring(is_guess=False):
            note_hopeless()
        assert not caller.is_hopeless
        keep_hopeless(ValueError("not for good"))
        raise_hopeless()


@pytest.mark.parametrize("outer", [True, False])
def test_nothing_is_known_of_guesses(outer: bool) -> None:
    with inferring(is_guess=outer), inferring(is_guess=not outer):
        note_hopeless()
        assert not is_hopeless()
