# Only what truestep uses.

class QuoteCollateralV3:
    @staticmethod
    def from_json(json_str: str) -> QuoteCollateralV3: ...

class VerifiedReport:
    status: str
    advisory_ids: list[str]

class Report:
    report_data: bytes
    mr_td: bytes
    mr_enclave: bytes

class Quote:
    report: Report
    def is_tdx(self) -> bool: ...

def parse_quote(raw_quote: bytes) -> Quote: ...
def verify(raw_quote: bytes, collateral: QuoteCollateralV3, now_secs: int) -> VerifiedReport: ...
