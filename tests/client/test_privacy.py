"""What a job discloses, in words, against what the machine's longest proofs hold."""

from truestep.client.privacy import availability_notice, privacy_notice
from truestep.client.supplies import Availability


def test_what_is_kept_is_disclosed_further() -> None:
    plain, kept, sent = (
        privacy_notice(each) for each in (Availability.NONE, Availability.KEEPERS, Availability.BLOB)
    )
    assert kept[:-1] == sent[:-1] == plain == privacy_notice(Availability.CALLDATA)
    assert "31 registers of one step, up to 128 bytes" in plain[1]
    assert "31 bytes of program, input or outputs" in kept[-1]
    assert "126,976" in kept[-1]
    assert "forget blobs after some 18 days" in sent[-1] and "2,048 bytes" in sent[-1]


def test_what_blobs_rely_on_is_said() -> None:
    assert "--beacon" in availability_notice(Availability.BLOB)[-1]
    assert len(availability_notice(Availability.CALLDATA)) == 1
