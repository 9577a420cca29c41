"""The e-mails that connected researchers get: once each, in their language, with nothing in a header that they wrote."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from orcid_sync.consent.letters import mail_researchers
from orcid_sync.ledger.session import Ledger
from orcid_sync.review.mail import Sender

from tests.fixtures.house import House
from tests.fixtures.mailbox import Mailbox


@pytest.fixture
def connected(house: House) -> int:
    """Somebody who connected in the portal, in German, and on whose record something was written."""
    unit = house.unit("library", contacts={"main": {"name": "Desk", "email": "desk@university.example"}})
    researcher = house.researcher("p1")
    house.one(
        "INSERT INTO cris_staff (person_id, family_names, given_names, email, is_current, visible, opted_out, row_hash) "
        "VALUES ('p1', E'Li\\r\\nBcc: all@university.example', 'Ann', E'ann@university.example\\nCc: x@y.example', "
        "true, true, false, gen_random_uuid()) RETURNING 1"
    )
    permission = house.one("SELECT id FROM permission")
    house.one(
        "INSERT INTO permission_event (permission_id, state, cause) VALUES (%s, 'granted', 'portal') RETURNING 1",
        permission,
    )
    house.one(
        "INSERT INTO permission_grant (permission_id, scopes, wording, language, signed_in_by) "
        "VALUES (%s, '{}', 'w', 'de', 'link') RETURNING 1",
        permission,
    )
    item = house.item(unit, researcher)
    change = house.change(item)
    house.one("INSERT INTO actor (name) VALUES ('ann') RETURNING 1")
    house.one(
        "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) SELECT id, item_id, "
        "unit_id, digest, 'approve', (SELECT id FROM actor WHERE name = 'ann'), 'librarian', 'cli' FROM change RETURNING 1"
    )
    house.one("UPDATE change SET state = 'writing' WHERE id = %s RETURNING 1", change)
    intent = house.one(
        "INSERT INTO intent (change_id, item_id, unit_id, run_id, action, digest, sent_keys, settles_at) "
        "SELECT id, item_id, unit_id, 'r', 'add', digest, '{}', now() FROM change RETURNING id"
    )
    house.one(
        "INSERT INTO outcome (intent_id, change_id, result, put_code) VALUES (%s, %s, 'written', 1) RETURNING 1",
        intent,
        change,
    )
    return int(permission)


@pytest.fixture
def post(ledger: Ledger, send: Sender) -> Callable[[], dict[str, int]]:
    """Sends what is due."""
    return lambda: mail_researchers(
        ledger, send, sender="orcid@university.example", portal_url="https://portal.university.example"
    )


def test_one_letter_after_the_first_write(
    post: Callable[[], dict[str, int]], connected: int, mailbox: Mailbox
) -> None:
    assert post() == {"sent": 1, "units_told": 0, "failed": 0}
    assert post() == {"sent": 0, "units_told": 0, "failed": 0}
    [letter] = mailbox.received
    assert letter["Subject"] == "Ihr ORCID-Profil wurde aktualisiert"
    assert letter["Bcc"] is None
    assert letter["Cc"] is None
    assert "https://portal.university.example" in letter.get_content()


def test_a_lost_permission_is_told_once_to_both_sides(
    post: Callable[[], dict[str, int]], house: House, connected: int, mailbox: Mailbox
) -> None:
    post()
    mailbox.received.clear()
    house.one("UPDATE permission SET state = 'revoked' RETURNING 1")
    house.one(
        "INSERT INTO permission_event (permission_id, state, cause) VALUES (%s, 'revoked', 'token_refused') RETURNING 1",
        connected,
    )
    assert post() == {"sent": 1, "units_told": 1, "failed": 0}
    assert post() == {"sent": 0, "units_told": 0, "failed": 0}
    to_unit = next(one for one in mailbox.received if "desk@" in one["To"])
    assert "Li" not in to_unit.get_content()
    assert "p1" not in to_unit.get_content()


def test_a_failed_delivery_is_tried_again(
    post: Callable[[], dict[str, int]], connected: int, mailbox: Mailbox
) -> None:
    mailbox.refuse = b"ann"
    assert post()["failed"] == 1
    mailbox.refuse = None
    assert post()["sent"] == 1
