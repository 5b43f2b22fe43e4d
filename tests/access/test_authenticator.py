from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from citylib.access.accounts import Accounts
from citylib.access.authenticator import AccountAuthenticator, client_address
from citylib.operations import Store


def request(*forwarded: str, peer: str = "127.0.0.1", **headers: str) -> SimpleNamespace:
    found = HTTPHeaders({key.replace("_", "-"): value for key, value in headers.items()})
    for value in forwarded:
        found.add("X-Forwarded-For", value)
    context = SimpleNamespace(address=(peer, 1234))
    return SimpleNamespace(headers=found, connection=SimpleNamespace(context=context))


@pytest.fixture
def sign_in(tmp_path):
    url = f"sqlite:///{tmp_path}/operations.db"
    with Store(url) as store:
        store.migrate()
        password = Accounts(store).ensure("mayor", "mayor")
        authenticator = AccountAuthenticator(database=url)

        def call(name, word, address="10.0.0.1"):
            handler = SimpleNamespace(request=request(address))
            data = {"username": name, "password": word}
            return asyncio.run(authenticator.authenticate(handler, data))

        yield SimpleNamespace(
            call=call, store=store, password=password, authenticator=authenticator
        )


def test_the_role_becomes_a_group(sign_in):
    model = sign_in.call(" Mayor ", sign_in.password)
    assert model["name"] == "mayor"
    assert model["groups"] == ["mayors"]


def test_sign_in_and_refusal_are_audited_without_what_was_typed(sign_in):
    sign_in.call("mayor", sign_in.password)
    sign_in.call("mayor", "wrong")
    sign_in.call(sign_in.password, "mayor")
    entries = sign_in.store.audit.read(limit=3)
    assert [(entry.actor, entry.action) for entry in entries] == [
        ("(unknown)", "was refused sign-in"),
        ("mayor", "was refused sign-in"),
        ("mayor", "signed in"),
    ]
    assert entries[0].detail == {"address": "10.0.0.1"}
    assert sign_in.password not in str(entries)


def test_guessing_from_one_place_is_stopped_there_and_not_elsewhere(sign_in):
    for _ in range(5):
        assert sign_in.call("mayor", "wrong", "10.6.6.6") is None
    with pytest.raises(HTTPError) as refused:
        sign_in.call("mayor", sign_in.password, "10.6.6.6")
    assert refused.value.status_code == 429
    assert "minute" in refused.value.jupyterhub_message
    assert sign_in.call("mayor", sign_in.password, "10.0.0.1")


def test_many_names_from_one_place_are_stopped(sign_in):
    for n in range(20):
        assert sign_in.call(f"user{n}", "wrong", "10.6.6.6") is None
    with pytest.raises(HTTPError):
        sign_in.call("user-next", "wrong", "10.6.6.6")


def test_guesses_at_the_same_time_do_not_pass_together(sign_in):
    handler = SimpleNamespace(request=request("10.6.6.6"))

    async def guess():
        data = {"username": "mayor", "password": "wrong"}
        calls = [sign_in.authenticator.authenticate(handler, data) for _ in range(12)]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(guess())
    assert sum(result is None for result in results) == 5
    assert sum(isinstance(result, HTTPError) for result in results) == 7


def test_a_changed_account_ends_what_is_signed_in(sign_in):
    model = sign_in.call("mayor", sign_in.password)

    class User:
        name = "mayor"

        async def get_auth_state(self):
            return model["auth_state"]

    def refresh():
        return asyncio.run(sign_in.authenticator.refresh_user(User()))

    assert refresh() == model
    sign_in.authenticator.accounts.reset_password("mayor")
    assert refresh() is False
    sign_in.authenticator.accounts.remove("mayor")
    assert refresh() is False


@pytest.mark.parametrize("peer", ["10.1.1.1", "127.0.0.1", "::1"])
def test_nobody_can_name_an_address_of_their_own(peer):
    for found in (
        request(peer),
        request(f"1.2.3.4, {peer}"),
        request("1.2.3.4", f"5.6.7.8,{peer}"),
        request(f"::ffff:{peer}"),
        request(peer, X_Real_IP="1.2.3.4"),
        request(peer=peer),
    ):
        assert client_address(found, set()) == peer


def test_by_default_no_other_proxy_is_trusted(sign_in):
    assert sign_in.authenticator.trusted_proxies == set()


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("1.2.3.4, 10.1.1.1, 10.0.0.5", "10.1.1.1"),
        ("1.2.3.4, 10.1.1.1, 127.0.0.1, 10.0.0.5", "10.1.1.1"),
        ("1.2.3.4, 10.1.1.1", "10.1.1.1"),
        ("10.0.0.5", "10.0.0.5"),
    ],
)
def test_a_proxy_that_is_trusted_tells_whom_it_talks_to(told, address):
    assert client_address(request(told), {"10.0.0.5", "127.0.0.1"}) == address
