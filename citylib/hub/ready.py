"""Whether the platform answers."""

from __future__ import annotations

import json
import ssl
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from citylib.hub.installation import Installation


def answers(here: Installation) -> bool:
    """Whether the dashboards answer through the proxy, by leading to the sign-in.

    The proxy is asked first whether it knows of them: it logs an error for all that it does not.
    """
    context = ssl._create_unverified_context()  # noqa: S323
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context), _StayHere)
    token = {"Authorization": f"token {here.secret('proxy_token').read_text()}"}
    routes = Request(f"http://127.0.0.1:{here.ports().proxy}/api/routes", headers=token)
    try:
        with opener.open(routes, timeout=2) as answer:
            if "/services/dashboards" not in json.load(answer):
                return False
        opener.open(f"{here.address()}services/dashboards/", timeout=2).close()
    except HTTPError as error:
        return error.code == 302
    except OSError:
        return False
    return False


class _StayHere(HTTPRedirectHandler):
    """Follows no redirect: a city's own sign-in may be on another machine."""

    def redirect_request(self, *_: object) -> None:
        return None
