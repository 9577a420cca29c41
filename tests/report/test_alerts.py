"""Alerts: each cause once, to the right people, over a real SMTP server and a real receiver of webhooks."""

from __future__ import annotations

from typing import Any

import pytest
from orcid_sync.errors import Misconfigured, NoAnswer
from orcid_sync.ledger.units_file import Contact, Contacts
from orcid_sync.report.alerts import (
    LEDGER_AWAY,
    Alert,
    Channels,
    Failure,
    deliver,
    failure_alerts,
    look,
    open_alerts,
    raise_alerts,
    run_is_told,
    settle_task,
    settle_tasks,
    tell_without_ledger,
    undelivered_alerts,
)
from orcid_sync.review.mail import Sender
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.propose.guards import stopped_error
from orcid_sync.sync.undo import NothingToUndo
from orcid_sync.vault.crypto import KeyRing

from tests.fixtures.house import House
from tests.fixtures.mailbox import Mailbox
from tests.fixtures.webhook import Receiver

RUN = "extract_cris/manual__2026-05-04T12:00:00+00:00"
ERROR = Misconfigured("The view staff can't be read", why="it is missing", remedy="Create the view")


def contacts(technical: str | None = None, main: str | None = None) -> Contacts:
    named = {"technical": technical, "main": main}
    return Contacts(**{key: Contact(name="A Person", email=email) for key, email in named.items() if email})


@pytest.fixture
def library(house: House) -> int:
    return house.unit("library", contacts=contacts("it@library.example", "desk@library.example"))


@pytest.fixture
def channels(send: Sender, webhook: Receiver) -> Channels:
    return Channels(
        send=send, sender="sync@example.org", webhook=Secret(webhook.url), base_url="https://airflow.example"
    )


def fail(house: House, failure: Failure) -> list[int]:
    with house.ledger.transaction() as connection:
        return raise_alerts(connection, failure_alerts(failure))


def succeed(house: House, failure: Failure, map_index: int = -1) -> int:
    with house.ledger.transaction() as connection:
        return settle_task(connection, failure.job, failure.task_id, map_index)


def still_open(house: House) -> list[dict[str, Any]]:
    with house.ledger.transaction() as connection:
        return open_alerts(connection)


def causes(house: House) -> list[str]:
    return [alert["cause"] for alert in still_open(house)]


def test_a_failure_says_what_happened_what_to_do_whose_move_it_is_and_where_to_look(
    house: House, library: int, channels: Channels, mailbox: Mailbox, webhook: Receiver
) -> None:
    fail(house, Failure(RUN, "merge", error=ERROR))
    assert deliver(house.ledger, channels) == {"delivered": 2, "failed": 0}
    [mail], [posted] = mailbox.received, webhook.received
    assert mail["To"] == "it@library.example"
    assert mail["Subject"].startswith(
        "ORCID sync: Task merge of extract_cris failed. The view staff can't be read"
    )
    link = (
        "https://airflow.example/dags/extract_cris/runs/manual__2026-05-04T12%3A00%3A00%2B00%3A00/tasks/merge"
    )
    for form in (mail.get_body((kind,)).get_content() for kind in ("plain", "html")):
        for part in ("it is missing", "Create the view", "Whose move", "us", link):
            assert part in form
    assert posted["link"] == link
    assert posted["remedy"] == "Create the view"
    assert posted["text"].startswith("ORCID sync: Task merge")


def test_a_cause_is_told_once_for_as_long_as_it_lasts_and_again_when_it_comes_back(
    house: House, library: int, channels: Channels, mailbox: Mailbox
) -> None:
    failure = Failure(RUN, "merge", error=ERROR)
    for _ in range(3):
        fail(house, failure)
        deliver(house.ledger, channels)
    assert len(mailbox.received) == 1
    assert succeed(house, failure) == 1
    assert still_open(house) == []
    fail(house, failure)
    deliver(house.ledger, channels)
    assert len(mailbox.received) == 2


def test_a_mapped_task_is_well_when_each_instance_that_failed_is(house: House, library: int) -> None:
    failures = [Failure("write_approved/r", "write_shard", index, NoAnswer("x")) for index in (1, 3)]
    for failure in failures:
        fail(house, failure)
    assert causes(house) == ["failed:write_approved:write_shard:no_answer"]
    succeed(house, failures[0], 2)
    succeed(house, failures[0], 1)
    assert len(causes(house)) == 1
    succeed(house, failures[0], 3)
    assert causes(house) == []


def test_an_instance_that_a_later_run_does_not_have_is_well_when_all_that_it_has_are(
    house: House, library: int
) -> None:
    fail(house, Failure("write_approved/r", "write_shard", 7, NoAnswer("x")))
    fail(house, Failure(RUN, "merge", error=ERROR))
    with house.ledger.transaction() as connection:
        assert settle_tasks(connection, "write_approved", {"write_shard", "take_snapshot"}) == 1
    assert causes(house) == ["failed:extract_cris:merge:misconfigured"]


def test_another_task_that_goes_well_ends_nothing_but_a_crash_of_the_run(house: House, library: int) -> None:
    fail(house, Failure(RUN, "merge", error=ERROR))
    fail(house, Failure(RUN))
    succeed(house, Failure(RUN, "extract"))
    assert causes(house) == ["failed:extract_cris:merge:misconfigured"]


def test_each_unit_that_a_guard_stopped_is_told_by_itself(
    house: House, library: int, channels: Channels, mailbox: Mailbox
) -> None:
    house.unit("hospital", contacts=contacts(main="desk@hospital.example"))
    stopped = stopped_error({"hospital": "30 of its 40 written items would be removed"})
    fail(house, Failure("propose_changes/r", "propose", error=stopped))
    deliver(house.ledger, channels)
    [mail] = mailbox.received
    # Without a technical contact the main one is told.
    assert mail["To"] == "desk@hospital.example"
    assert "ORCID sync, The hospital: A guard stopped the proposal" in mail["Subject"]
    assert "proceed" in mail.get_body(("plain",)).get_content()


def test_what_concerns_no_single_unit_goes_once_to_each_technical_contact(
    house: House, library: int, send: Sender, mailbox: Mailbox
) -> None:
    house.unit("hospital", contacts=contacts("IT@library.example"))
    house.unit("hr", contacts=contacts("it@hr.example"))
    fail(house, Failure(RUN, "merge", error=ERROR))
    channels = Channels(send=send, sender="s@example.org", operators=("one@example.org", "two@example.org"))
    deliver(house.ledger, channels)
    deliver(house.ledger, channels)
    assert sorted(mail["To"].lower() for mail in mailbox.received) == [
        "it@hr.example",
        "it@library.example",
        "one@example.org, two@example.org",
    ]


def test_what_could_not_be_delivered_is_shown_and_tried_again(
    house: House, library: int, channels: Channels, mailbox: Mailbox, webhook: Receiver
) -> None:
    mailbox.refuse, webhook.status = b"@", 500
    fail(house, Failure(RUN, "merge", error=ERROR))
    assert deliver(house.ledger, channels) == {"delivered": 0, "failed": 2}
    with house.ledger.transaction() as connection:
        shown = undelivered_alerts(connection)
    assert {(row["channel"], row["unit"], row["why"]) for row in shown} == {
        ("mail", "library", "SMTPRecipientsRefused"),
        ("webhook", None, "status 500"),
    }
    assert "secret" not in str(shown)
    assert "example" not in str(shown)
    mailbox.refuse, webhook.status = None, 200
    assert deliver(house.ledger, channels) == {"delivered": 2, "failed": 0}
    with house.ledger.transaction() as connection:
        assert undelivered_alerts(connection) == []


def test_a_receiver_that_is_away_stops_nothing(house: House, library: int) -> None:
    fail(house, Failure(RUN, "merge", error=ERROR))
    away = Channels(webhook=Secret("http://127.0.0.1:9/hooks/secret"))
    assert deliver(house.ledger, away) == {"delivered": 0, "failed": 1}


def test_without_a_way_out_nothing_is_lost(house: House, library: int, channels: Channels) -> None:
    fail(house, Failure(RUN, "merge", error=ERROR))
    assert deliver(house.ledger, Channels()) == {"delivered": 0, "failed": 0}
    assert deliver(house.ledger, channels)["delivered"] == 2


def test_the_text_of_an_unexpected_error_stays_in_the_log() -> None:
    [alert] = failure_alerts(Failure(RUN, "merge", error=KeyError("Ann Person, ann@example.org")))
    assert "unexpected KeyError" in alert.what
    assert "Ann" not in str(alert)


def test_a_worker_that_died_is_told_of_without_an_error() -> None:
    [alert] = failure_alerts(Failure(RUN, "merge"))
    assert "its process may have been ended" in alert.what


def test_what_a_person_asked_for_in_vain_raises_no_alert() -> None:
    assert failure_alerts(Failure("undo_batch/r", "propose_undo", error=NothingToUndo("no"))) == []


def test_a_question_that_failed_concerns_the_unit_of_its_batch(house: House, library: int) -> None:
    batch = house.batch(library, [house.change(house.item(library, house.researcher()))])
    run = f"approve_batch/batch-{batch}"
    fail(house, Failure(run, "record", error=ERROR))
    assert [alert["unit"] for alert in still_open(house)] == ["library"]
    with house.ledger.transaction() as connection:
        assert run_is_told(connection, run)
        assert not run_is_told(connection, "approve_batch/batch-0")


def test_changes_that_wait_for_days_are_told_of_although_newer_batches_took_them_over(
    house: House, library: int
) -> None:
    change = house.change(house.item(library, house.researcher()))
    old = house.batch(library, [change])
    house.one("UPDATE batch SET state = 'replaced' WHERE id = %s RETURNING id", old)
    batch = house.batch(library, [change])
    assert look(house.ledger, Settings()) == {"open": 0, "settled": 0}
    with house.connect_owner() as connection:
        connection.execute("UPDATE change SET created_at = now() - interval '8 days'")
    assert look(house.ledger, Settings())["open"] == 1
    assert look(house.ledger, Settings(alert_batch_days=9)) == {"open": 0, "settled": 1}
    look(house.ledger, Settings())
    [alert] = still_open(house)
    assert alert["what"].startswith("1 change of The library waits")
    assert alert["path"] == f"/orcid-review/batches/{batch}"
    house.one("UPDATE change SET state = 'withdrawn' WHERE id = %s RETURNING id", change)
    assert look(house.ledger, Settings()) == {"open": 0, "settled": 1}


def test_stopped_items_are_told_of_by_unit_and_reason(house: House, library: int) -> None:
    for reason in ("gave_up", "gave_up", "record_locked"):
        house.item(library, house.researcher(), held="blocked", reason=reason)
    look(house.ledger, Settings())
    assert causes(house) == ["blocked:library:gave_up", "blocked:library:record_locked"]
    assert still_open(house)[0]["what"].startswith("2 items of The library")
    house.one("UPDATE item SET held = NULL, reason = NULL WHERE reason = 'gave_up' RETURNING id")
    look(house.ledger, Settings())
    assert causes(house) == ["blocked:library:record_locked"]


def test_a_key_that_the_vault_lacks_is_told_of(house: House, library: int) -> None:
    house.researcher()
    house.one(
        "INSERT INTO token (permission_id, access_key_id, access_sealed, provenance) "
        "SELECT id, 'old', 'sealed', 'import' FROM permission RETURNING 1"
    )
    look(house.ledger, Settings(keys=f"new:{KeyRing.generate_key().reveal()}"))
    assert causes(house) == ["keys:old"]
    look(house.ledger, Settings(keys="old:broken"))
    assert causes(house) == ["keys:unusable"]


def test_a_stage_that_never_ended_is_told_of_until_it_goes_on(house: House, library: int) -> None:
    house.one("INSERT INTO run (run_id) VALUES (%s), ('cli-x') RETURNING 1", RUN)
    for run in (RUN, "cli-x"):
        house.one(
            "INSERT INTO stage_run (run_id, stage, started_at) VALUES (%s, 'merge', now() - interval '7 hours') "
            "RETURNING 1",
            run,
        )
    look(house.ledger, Settings())
    assert causes(house) == ["stalled:extract_cris:merge"]
    house.one("INSERT INTO stage_run (run_id, stage) VALUES (%s, 'merge') RETURNING 1", RUN)
    look(house.ledger, Settings())
    assert causes(house) == []


def test_while_the_ledger_is_away_the_operators_are_told_directly(
    send: Sender, mailbox: Mailbox, webhook: Receiver
) -> None:
    ways = Channels(
        send=send, sender="s@example.org", operators=("op@example.org",), webhook=Secret(webhook.url)
    )
    assert tell_without_ledger(ways, [LEDGER_AWAY]) == 2
    assert "ledger database" in mailbox.received[0]["Subject"]
    assert webhook.received[0]["cause"] == "ledger:away"


def test_an_alert_keeps_its_key_and_gets_its_newest_text(house: House, library: int) -> None:
    with house.ledger.transaction() as connection:
        [first] = raise_alerts(connection, [Alert("waiting:library", "2 wait", "Decide", "us")])
        [second] = raise_alerts(connection, [Alert("waiting:library", "3 wait", "Decide", "us")])
    assert first == second
    assert still_open(house)[0]["what"] == "3 wait"
