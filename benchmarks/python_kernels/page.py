"""The last section of docs/benchmarks.md, which `make bench` keeps: small Python guests."""

HEADING = "## Small Python guests"


def kept_section(page: str) -> str:
    """The section as the page has it; empty if there is none."""
    _, heading, rest = page.partition(HEADING)
    return f"\n{heading}{rest}" if heading else ""


def with_section(page: str, section: str) -> str:
    """The page with a section, which begins with the heading, in place of the former one."""
    return f"{page.partition(HEADING)[0].rstrip()}\n\n{section}"
