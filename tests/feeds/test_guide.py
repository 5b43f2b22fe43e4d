"""The guide to feeds says what the connectors do."""

import re
import tomllib
from pathlib import Path

import pytest

from citylib.city.feeds import FeedSpec
from citylib.feeds.connectors import connector, names

GUIDE = (Path(__file__).parents[2] / "docs" / "feeds.md").read_text("utf-8")


def test_the_example_is_a_feed():
    [example] = re.findall(r"```toml\n(.*?)```", GUIDE, re.S)
    feed = FeedSpec.model_validate(tomllib.loads(example) | {"id": "air", "path": Path("air.toml")})
    connector(feed.connector).Options.model_validate(feed.options)


def test_every_key_of_a_feed_is_explained():
    table = GUIDE.partition("## A feed file")[2].partition("## Connectors")[0]
    for key in set(FeedSpec.model_fields) - {"id", "path", "options", "read"}:
        assert f"| `{key}` |" in table


@pytest.mark.parametrize("name", names())
def test_every_connector_has_its_options_explained(name):
    section = re.search(rf"^### {name}\n(.*?)(?=^#)", GUIDE, re.S | re.M)
    assert section, f"docs/feeds.md has no section {name}"
    assert f"| `{name}` |" in GUIDE
    if name != "replay":
        for option in set(connector(name).Options.model_fields) - {"max_pages"}:
            assert f"`{option}`" in section[1], f"docs/feeds.md does not explain {option} of {name}"
