"""Links: for one person, one purpose, one use, in time; whatever somebody makes of the address."""

from __future__ import annotations

import datetime as dt
import string
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from orcid_sync.consent.links import (
    MAX_WRONG_ANSWERS,
    Link,
    LinkExpired,
    LinkInvalid,
    LinkUsed,
    Purpose,
    address,
    make_links,
    read_link,
    sealed_link,
    use_link,
    wrong_answer,
)
from orcid_sync.ledger.session import Ledger
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing

from tests.fixtures.house import House

WEEK = dt.timedelta(days=7)


def ring(*names: str) -> KeyRing:
    return KeyRing.parse(",".join(f"{name}:{KeyRing.generate_key().reveal()}" for name in names))


@dataclass
class Post:
    """Makes and opens links of a ledger."""

    ledger: Ledger
    keys: KeyRing

    def send(self, *researchers: int, purpose: Purpose = "connect", valid: dt.timedelta = WEEK) -> list[str]:
        with self.ledger.transaction() as connection:
            made = make_links(connection, self.keys, purpose, researchers, valid=valid)
        return [made[researcher].reveal() for researcher in researchers]

    def read(self, sealed: str, purpose: Purpose = "connect") -> Link:
        with self.ledger.transaction() as connection:
            return read_link(connection, self.keys, purpose, sealed)

    def use(self, link: Link) -> None:
        with self.ledger.transaction() as connection:
            use_link(connection, link)


@pytest.fixture
def post(ledger: Ledger) -> Post:
    return Post(ledger, ring("k1"))


def test_a_link_leads_to_its_person_once(post: Post, house: House) -> None:
    ada, bo = house.researcher(state=None), house.researcher(state=None)
    to_ada, to_bo = post.send(ada, bo)
    link = post.read(to_ada)
    assert (link.researcher_id, link.purpose) == (ada, "connect")
    assert post.read(to_ada) == link, "looking at it, as mail filters do, uses nothing up"
    post.use(link)
    with pytest.raises(LinkUsed):
        post.read(to_ada)
    with pytest.raises(LinkUsed):
        post.use(link)
    assert post.read(to_bo).researcher_id == bo


def test_of_many_at_the_same_moment_one_uses_it(post: Post, house: House) -> None:
    link = post.read(post.send(house.researcher(state=None))[0])

    def attempt(_: int) -> bool:
        try:
            post.use(link)
        except LinkUsed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_a_link_for_one_purpose_is_none_for_another(post: Post, house: House) -> None:
    [sealed] = post.send(house.researcher(state=None), purpose="opt_out")
    assert post.read(sealed, "opt_out").purpose == "opt_out"
    with pytest.raises(LinkInvalid):
        post.read(sealed, "connect")


def test_time_is_the_ledgers_whatever_the_portals_clock_says(post: Post, house: House) -> None:
    [sealed] = post.send(house.researcher(state=None))
    [old] = post.send(house.researcher(state=None), valid=dt.timedelta(seconds=-1))
    for skew in (dt.timedelta(days=-400), dt.timedelta(days=400)):
        with time_machine.travel(dt.datetime.now(dt.UTC) + skew):
            assert post.read(sealed)
            with pytest.raises(LinkExpired):
                post.read(old)


def test_a_few_wrong_answers_end_a_link(post: Post, house: House, ledger: Ledger) -> None:
    [sealed] = post.send(house.researcher(state=None))
    link = post.read(sealed)
    with ledger.transaction() as connection:
        left = [wrong_answer(connection, link) for _ in range(MAX_WRONG_ANSWERS)]
    assert left == list(reversed(range(MAX_WRONG_ANSWERS)))
    with pytest.raises(LinkUsed):
        post.read(sealed)
    with pytest.raises(LinkUsed):
        post.use(link)


def test_an_older_key_still_opens_and_a_strange_one_does_not(ledger: Ledger, house: House) -> None:
    old, new = f"old:{KeyRing.generate_key().reveal()}", f"new:{KeyRing.generate_key().reveal()}"
    [sealed] = Post(ledger, KeyRing.parse(old)).send(house.researcher(state=None))
    assert Post(ledger, KeyRing.parse(f"{new},{old}")).read(sealed)
    for keys in (KeyRing.parse(new), ring("old")):
        with pytest.raises(LinkInvalid):
            Post(ledger, keys).read(sealed)


def test_a_process_from_before_a_rotation_opens_links_of_the_new_key(ledger: Ledger, house: House) -> None:
    old, new = (f"{name}:{KeyRing.generate_key().reveal()}" for name in ("2025", "2026.1"))
    place = [old]
    running = KeyRing.parse(old, again=lambda: Secret(place[0]))
    place[0] = f"{new},{old}"
    [sealed] = Post(ledger, KeyRing.parse(place[0])).send(house.researcher(state=None))
    assert sealed.startswith("2026.1.")
    assert Post(ledger, running).read(sealed)
    assert Post(ledger, running).send(house.researcher(state=None))[0].startswith("2026.1."), (
        "and makes such now"
    )
    place[0] = "no keys any more"
    with pytest.raises(LinkInvalid):
        Post(ledger, running).read(f"k9.{sealed.rpartition('.')[2]}")


def test_a_link_of_somebody_who_was_erased_leads_nowhere(post: Post, house: House) -> None:
    ada = house.researcher(state=None)
    [sealed] = post.send(ada)
    house.one("DELETE FROM researcher WHERE id = %s RETURNING id", ada)
    with pytest.raises(LinkInvalid):
        post.read(sealed)


def test_nobody_is_given_two_links_by_one_call(post: Post, house: House) -> None:
    ada = house.researcher(state=None)
    post.send(ada, ada)
    assert house.one("SELECT count(*) FROM link") == 1


def test_the_address_is_a_secret(post: Post) -> None:
    made = address("https://portal.example.edu/", "opt_out", sealed_link(post.keys, "opt_out", 5))
    assert made.reveal().startswith("https://portal.example.edu/opt-out/k1.")
    assert "k1." not in f"{made} {made!r}"


@pytest.mark.parametrize("place", [0, 3, 10, -1])
def test_a_changed_link_is_none(post: Post, house: House, place: int) -> None:
    [sealed] = post.send(house.researcher(state=None))
    other = "A" if sealed[place] != "A" else "B"
    changed = sealed[:place] + other + (sealed[place + 1 :] if place != -1 else "")
    # The last letter of a base64 text may have bits that say nothing; cut the text instead.
    with pytest.raises(LinkInvalid):
        post.read(sealed[:-2] if place == -1 else changed)


KEYS = ring("k1")


class _NoLedger:
    def execute(self, *_: object) -> None:
        raise AssertionError("a forged link got as far as the ledger")


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=300)
    | st.text(string.ascii_letters + string.digits + "-_.", max_size=80).map("k1.".__add__)
)
def test_nothing_that_was_made_up_gets_as_far_as_the_ledger(text: str) -> None:
    with pytest.raises(LinkInvalid):
        read_link(_NoLedger(), KEYS, "connect", text)  # type: ignore[arg-type]


def test_a_token_of_the_vault_is_no_link() -> None:
    sealed = KEYS.encrypt(Secret("7"), "APP-1\x1f0000-0001-2345-6789\x1faccess")
    import base64

    text = f"k1.{base64.urlsafe_b64encode(sealed.data).decode().rstrip('=')}"
    with pytest.raises(LinkInvalid):
        read_link(_NoLedger(), KEYS, "connect", text)  # type: ignore[arg-type]
