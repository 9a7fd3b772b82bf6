"""Quotes of trusted execution environments, checked with dcap-qvl (docs/operators.md O7)."""

from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected

REPORT_DATA_BYTES = 64
"""What a quote says for whoever asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteReport:
    """What the maker of a processor vouches for."""

    environment: str
    """TDX or SGX."""
    status: str
    """Of the platform, in the words of dcap-qvl, such as UpToDate."""
    advisories: tuple[str, ...]
    measurement: str
    """Of what runs there: MRTD or MRENCLAVE."""
    report_data: bytes


def check_quote(quote: bytes, collateral_json: str, now: int) -> QuoteReport:
    """Check a quote with its collateral, at a time. Raises Rejected if it does not hold."""
    try:
        import dcap_qvl
    except ImportError as error:
        raise Rejected(
            Reject.EVIDENCE,
            "expected dcap-qvl, which checks quotes: `pip install 'truestep[tee]'`",
        ) from error
    try:
        parsed = dcap_qvl.parse_quote(quote)
        collateral = dcap_qvl.QuoteCollateralV3.from_json(collateral_json)
        verified = dcap_qvl.verify(quote, collateral, now)
    except (ValueError, RuntimeError) as error:
        raise Rejected(Reject.EVIDENCE, f"the quote does not hold: {error}") from error
    report, is_tdx = parsed.report, parsed.is_tdx()
    return QuoteReport(
        environment="TDX" if is_tdx else "SGX",
        status=verified.status,
        advisories=tuple(verified.advisory_ids),
        measurement=bytes(report.mr_td if is_tdx else report.mr_enclave).hex(),
        report_data=bytes(report.report_data),
    )
