"""Addresses of pages."""

import pytest

from citylib.feeds.connector import FeedFault
from citylib.feeds.paging import below, followed, with_query


def test_parts_are_added_to_the_path_and_the_query_stays():
    assert below("https://a.example/v1/", "x", "y") == "https://a.example/v1/x/y"
    assert below("https://a.example/v1?k=1", "x") == "https://a.example/v1/x?k=1"
    assert with_query("https://a.example/x?k=1", {"n": "2"}) == "https://a.example/x?k=1&n=2"
    with pytest.raises(FeedFault, match="mend the address"):
        with_query("http://a.example:port/", {})


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("?n=2", "https://a.example:8443/v1/x?n=2"),
        ("/y", "https://a.example:8443/y"),
        ("http://a.example/v1/x?n=2", "https://a.example:8443/v1/x?n=2"),
        ("https://A.EXAMPLE:99/y", "https://a.example:8443/y"),
    ],
)
def test_a_link_is_followed_on_its_own_host(link, found):
    assert followed("https://a.example:8443/v1/x", link) == found


@pytest.mark.parametrize(
    "link",
    [
        "https://b.example/",
        "//b.example/",
        "file:///etc/passwd",
        "https://a.example.b.example/",
        "https://a.example@b.example/",
        "http://[:::",
        "https://a.example:port/",
    ],
)
def test_a_link_to_elsewhere_is_not(link):
    with pytest.raises(FeedFault, match="not on this host"):
        followed("https://a.example:8443/v1/x", link)
