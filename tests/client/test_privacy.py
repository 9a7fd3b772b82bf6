"""What a job discloses, in words, against what the machine's longest proofs hold."""

from truestep.client.privacy import availability_notice, privacy_notice
from truestep.client.supplies import Availability


def test_what_is_kept_is_disclosed_further() -> None:
    plain, kept, sent, written = (
        privacy_notice(each)
        for each in (
            Availability.NONE,
            Availability.KEEPERS,
            Availability.BLOB,
            Availability.CALLDATA,
        )
    )
    assert kept[:2] == sent[:2] == written[:2] == plain
    assert "31 registers of one step, up to 128 bytes" in plain[1]
    assert "31 bytes of program, input or outputs" in kept[2] and "126,976" in kept[2]
    assert "outputs for 60 days beyond the window" in kept[3] and "truestep deletions" in kept[3]
    assert "forget blobs after some 18 days" in sent[2] and "2,048 bytes" in sent[2]
    assert "nobody can delete them" in written[2]


def test_what_blobs_rely_on_is_said() -> None:
    assert "--beacon" in availability_notice(Availability.BLOB)[-1]
    assert len(availability_notice(Availability.CALLDATA)) == 1
