from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.cells.s3_server import s3_server


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server, for all tests of this process."""
    with s3_server(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint
