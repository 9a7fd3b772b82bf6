"""Options of commands that send from an account."""

from dataclasses import dataclass

from truestep.cli.fee_options import MaxFeeOption, MaxTipOption
from truestep.cli.options import KeystoreOption, PasswordFileOption


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderOptions:
    """The account that sends, and what its transactions may cost."""

    keystore: KeystoreOption
    password_file: PasswordFileOption = None
    max_fee: MaxFeeOption = None
    max_tip: MaxTipOption = None
