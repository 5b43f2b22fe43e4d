import pytest
from support.service import scripts, store, town  # noqa: F401


@pytest.fixture
def anyio_backend():
    return "asyncio"
