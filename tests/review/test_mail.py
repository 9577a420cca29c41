"""E-mails about batches, received by a real SMTP server on a socket of this machine."""

from __future__ import annotations

import datetime as dt
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from orcid_sync.connections import connection_from_parts
from orcid_sync.ledger.units_file import Contact, Contacts
from orcid_sync.review.decisions import decide
from orcid_sync.review.mail import Sender, mail_batches, smtp_sender

from tests.fixtures.house import House

NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


class Mailbox(socketserver.ThreadingTCPServer):
    """As much of SMTP as a client needs to hand a message over; `refuse` answers every recipient with 550."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.refuse = False
        super().__init__(("127.0.0.1", 0), _Session)


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 test")
        for line in self.rfile:
            command = line[:4].upper()
            if command == b"DATA":
                self._say("354 go on")
                self.server.received.append(message_from_bytes(self._message(), policy=policy.default))
                self._say("250 taken")
            elif command == b"RCPT" and self.server.refuse:
                self._say("550 nobody here")
            elif command == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 well")

    def _message(self) -> bytes:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line)
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def send(mailbox: Mailbox) -> Sender:
    address = {"host": "127.0.0.1", "port": mailbox.server_address[1], "extra": {"starttls": False}}
    return smtp_sender(connection_from_parts("smtp_default", conn_type="smtp", **address))


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
    mailbox.refuse = True
    assert mail(house, send)["failed"] == 1
    event = house.all("SELECT detail FROM audit_event WHERE what = 'mail_failed'")[0].detail
    assert event == {"batch": batch, "reminder": False, "why": "SMTPRecipientsRefused"}
    mailbox.refuse = False
    assert mail(house, send)["sent"] == 1


def test_a_unit_without_a_contact_is_named(house: House, send: Sender) -> None:
    unit = house.unit("library")
    house.batch(unit, [house.change(house.item(unit, house.researcher()))])
    assert mail(house, send)["without_contact"] == ["library"]


def test_a_server_that_is_away_stops_nothing(house: House, batch: int) -> None:
    def unreachable(message: EmailMessage) -> None:
        raise ConnectionRefusedError

    assert mail(house, unreachable)["failed"] == 1
