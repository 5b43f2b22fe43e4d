from __future__ import annotations

import pytest
from sqlalchemy import select

from citylib.access.accounts import AccountError, Accounts, new_password
from citylib.access.roles import role_of
from citylib.operations import Store
from citylib.operations.tables import accounts as table


@pytest.fixture
def store(database_url):
    with Store(database_url) as store:
        store.migrate()
        yield store


@pytest.fixture
def accounts(store):
    return Accounts(store)


def test_an_account_is_made_once_and_its_password_told_once(accounts):
    password = accounts.ensure("mayor", "mayor")
    assert password
    assert accounts.ensure("mayor", "analyst") is None
    account = accounts.check("mayor", password)
    assert account is not None
    assert (account.name, account.role) == ("mayor", "mayor")


def test_a_wrong_password_or_name_is_no_account(accounts):
    password = accounts.ensure("kim", "official") or ""
    for name, guess in [
        ("kim", "wrong"),
        ("kim", ""),
        ("kim", password.upper()),
        ("lee", password),
        ("kim", "x" * 5000),
        ("kim", "\ud800"),
        ("kim' or 1=1 --", password),
    ]:
        assert accounts.check(name, guess) is None


def test_only_a_hash_is_kept(accounts, store):
    password = accounts.ensure("kim", "official") or ""
    with store.read() as connection:
        kept = connection.scalar(select(table.c.password))
    assert kept.startswith("$argon2id$")
    assert password not in kept
    assert all(password not in str(entry) for entry in store.audit.read())


def test_a_reset_password_replaces_the_old_one(accounts):
    old = accounts.ensure("kim", "official") or ""
    before = accounts.get("kim")
    new = accounts.reset_password("kim")
    assert accounts.check("kim", old) is None
    after = accounts.check("kim", new)
    assert after.changed > before.changed
    with pytest.raises(AccountError, match=r"'lee'.*known: kim"):
        accounts.reset_password("lee")


def test_role_changes_and_removal_are_audited(accounts, store):
    accounts.ensure("kim", "official")
    accounts.set_role("kim", "mayor")
    assert [account.role for account in accounts.all()] == ["mayor"]
    accounts.remove("kim")
    assert accounts.all() == []
    with pytest.raises(AccountError, match="no account"):
        accounts.remove("kim")
    actions = [entry.action for entry in store.audit.read()]
    assert actions == ["removed account", "changed role", "made account"]


@pytest.mark.parametrize("name", ["", "Kim", "1st", "../x", "a/b", "a b", "김", "a" * 33, ".."])
def test_names_that_could_not_be_a_folder_are_refused(accounts, name):
    with pytest.raises(AccountError, match="account name"):
        accounts.ensure(name, "analyst")


def test_unknown_roles_are_refused(accounts):
    with pytest.raises(AccountError, match="known are analyst, official, mayor"):
        accounts.ensure("kim", "admin")


def test_passwords_do_not_repeat():
    assert len({new_password() for _ in range(1000)}) == 1000


def test_groups_give_the_role_with_the_widest_view():
    assert role_of({"analysts", "mayors"}) == "mayor"
    assert role_of({"fire-brigade"}) is None
