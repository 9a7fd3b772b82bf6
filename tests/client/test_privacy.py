"""What a job discloses, in words, against what the machine's longest proofs hold."""

from truestep.client.privacy import privacy_notice


def test_what_is_kept_is_disclosed_further() -> None:
    plain, kept = privacy_notice(are_kept=False), privacy_notice(are_kept=True)
    assert kept[:-1] == plain
    assert "31 registers of one step, up to 128 bytes" in plain[1]
    assert "31 bytes of program, input or outputs" in kept[-1]
    assert "126,976" in kept[-1]
