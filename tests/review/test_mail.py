"""E-mails about batches, received by a real SMTP server on a socket of this machine."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from typing import Any

import pytest
from orcid_sync.ledger.units_file import Contact, Contacts
from orcid_sync.review.decisions import decide
from orcid_sync.review.mail import Sender, mail_batches, undelivered_mails

from tests.fixtures.house import House
from tests.fixtures.mailbox import Mailbox

NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


@pytest.fixture
def batch(house: House) -> int:
    contacts = Contacts(main=Contact(name="Ann", email="ann@library.example"))
    unit = house.unit("library", contacts=contacts)
    researcher = house.researcher()
    changes = [
        house.change(house.item(unit, researcher)),
        house.change(house.item(unit, researcher)),
        house.change(house.item(unit, researcher), "remove"),
        house.change(house.item(unit, researcher), "update", warnings=["the year is unlikely"]),
    ]
    return house.batch(unit, changes)


def mail(house: House, send: Sender, now: dt.datetime | None = None) -> dict[str, Any]:
    return mail_batches(
        house.ledger,
        send,
        sender="sync@library.example",
        console_url="https://airflow.example",
        next_write=NOON,
        now=lambda: now or dt.datetime.now(dt.UTC),
    )


def test_a_batch_is_announced_once_with_its_counts(
    house: House, batch: int, send: Sender, mailbox: Mailbox
) -> None:
    assert mail(house, send)["sent"] == 1
    assert mail(house, send)["sent"] == 0
    [message] = mailbox.received
    assert message["To"] == "ann@library.example"
    assert (
        message["Subject"]
        == "ORCID, The library: 2 new, 1 correction, 1 removal, 1 with warnings, 1 researcher"
    )
    plain, html = (message.get_body((form,)).get_content() for form in ("plain", "html"))
    for form in (plain, html):
        assert "Nothing is sent until you decide." in form
        assert f"https://airflow.example/orcid-review/batches/{batch}" in form
        assert "Title" not in form


def test_one_reminder_follows_after_a_week(house: House, batch: int, send: Sender, mailbox: Mailbox) -> None:
    mail(house, send)
    now = dt.datetime.now(dt.UTC)
    assert mail(house, send, now + dt.timedelta(days=6))["reminded"] == 0
    assert mail(house, send, now + dt.timedelta(days=8))["reminded"] == 1
    assert mail(house, send, now + dt.timedelta(days=30))["reminded"] == 0
    assert mailbox.received[1]["Subject"].startswith("Reminder: ")


def test_nothing_is_sent_about_what_is_decided(
    house: House, batch: int, send: Sender, mailbox: Mailbox
) -> None:
    decide(house.ledger, verdict="reject", actor_name="ann", batch=batch)
    assert mail(house, send)["sent"] == 0
    assert mailbox.received == []


def test_a_batch_of_the_same_changes_is_no_news(house: House, batch: int, send: Sender) -> None:
    mail(house, send)
    unit = house.one("SELECT unit_id FROM batch WHERE id = %s", batch)
    changes = [row.change_id for row in house.all("SELECT change_id FROM batch_change")]
    house.one("UPDATE batch SET state = 'replaced' WHERE id = %s RETURNING id", batch)
    house.batch(unit, changes)
    assert mail(house, send)["sent"] == 0
    more = house.change(house.item(unit, house.researcher()))
    house.one("UPDATE batch SET state = 'replaced' WHERE state = 'open' RETURNING id")
    house.batch(unit, [*changes, more])
    assert mail(house, send)["sent"] == 1


def test_a_failed_delivery_is_recorded_and_tried_again(
    house: House, batch: int, send: Sender, mailbox: Mailbox
) -> None:
    mailbox.refuse = b"@"
    assert mail(house, send)["failed"] == 1
    event = house.all("SELECT detail FROM audit_event WHERE what = 'mail_failed'")[0].detail
    assert event == {"batch": batch, "reminder": False, "why": "SMTPRecipientsRefused"}
    mailbox.refuse = None
    assert mail(house, send)["sent"] == 1

    with house.ledger.transaction() as connection:
        assert undelivered_mails(connection) == []


def test_what_could_not_be_delivered_is_shown_without_an_address(
    house: House, batch: int, send: Sender, mailbox: Mailbox
) -> None:
    mailbox.refuse = b"@"
    mail(house, send)
    with house.ledger.transaction() as connection:
        [shown] = undelivered_mails(connection)
    assert (shown["batch"], shown["unit"], shown["why"]) == (batch, "library", "SMTPRecipientsRefused")
    assert "example" not in str(shown)


def test_the_librarians_of_the_unit_get_one_message_where_they_are_named(
    house: House, send: Sender, mailbox: Mailbox
) -> None:
    people = [Contact(name=name, email=f"{name}@library.example") for name in ("ann", "ben")]
    contacts = Contacts(main=Contact(name="Desk", email="desk@library.example"), librarians=people)
    unit = house.unit("library", contacts=contacts)
    house.batch(unit, [house.change(house.item(unit, house.researcher()))])
    mailbox.refuse = b"ben@"
    assert mail(house, send) == {"sent": 1, "reminded": 0, "failed": 0, "refused": 1, "without_contact": []}
    assert [message["To"] for message in mailbox.received] == ["ann@library.example, ben@library.example"]


def test_the_reminder_comes_although_newer_batches_took_the_changes_over(
    house: House, batch: int, send: Sender, mailbox: Mailbox
) -> None:
    mail(house, send)
    unit = house.one("SELECT unit_id FROM batch WHERE id = %s", batch)
    changes = [row.change_id for row in house.all("SELECT change_id FROM batch_change")]
    house.one("UPDATE batch SET state = 'replaced' WHERE id = %s RETURNING id", batch)
    newer = house.batch(unit, changes)
    now = dt.datetime.now(dt.UTC)
    assert mail(house, send, now + dt.timedelta(days=6))["reminded"] == 0
    assert mail(house, send, now + dt.timedelta(days=8))["reminded"] == 1
    assert f"/batches/{newer}" in mailbox.received[1].get_body(("plain",)).get_content()
    house.one("UPDATE batch SET state = 'replaced' WHERE id = %s RETURNING id", newer)
    house.batch(unit, changes)
    assert mail(house, send, now + dt.timedelta(days=30))["reminded"] == 0


def test_a_unit_without_a_contact_is_named(house: House, send: Sender) -> None:
    unit = house.unit("library")
    house.batch(unit, [house.change(house.item(unit, house.researcher()))])
    assert mail(house, send)["without_contact"] == ["library"]


def test_a_server_that_is_away_stops_nothing(house: House, batch: int) -> None:
    def unreachable(message: EmailMessage) -> int:
        raise ConnectionRefusedError

    assert mail(house, unreachable)["failed"] == 1
