"""Invitations: who is asked, once; what is said; and a mail server that fails in every way."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from orcid_sync.consent.invitations.campaigns import adoption, close_campaign, wrong_address
from orcid_sync.consent.invitations.deliver import by_inbox
from orcid_sync.consent.invitations.messages import LANGUAGES, load_words
from orcid_sync.consent.invitations.outgoing import refuse_stopped, send_all
from orcid_sync.consent.invitations.sending import links_for_file, resend_doubtful, send_due
from orcid_sync.consent.links import LinkInvalid, read_link
from orcid_sync.consent.portal.app import create_app
from orcid_sync.consent.portal.context import Portal
from orcid_sync.errors import Misconfigured, Transient
from orcid_sync.ledger.session import INVITATION_LOCK
from orcid_sync.settings import Settings
from orcid_sync.vault.registry import Registry
from starlette.testclient import TestClient

from tests.fixtures.connected import Connected
from tests.fixtures.invitations import Inviting

MANY = 10_000


def people(inviting: Inviting, count: int) -> list[str]:
    names = [f"P{number}" for number in range(count)]
    for name in names:
        inviting.staff(name)
    return names


def link_in(message: Any, purpose: str) -> str:
    text = message.get_body(("plain",)).get_content()
    found = re.search(rf"https://orcid\.example\.edu/{purpose}/(\S+)", text)
    assert found is not None
    return found[1]


# --- who ---------------------------------------------------------------------------------------------------------


def test_a_plan_names_who_is_asked_and_who_is_not_and_why(inviting: Inviting) -> None:
    rows = inviting.rows
    for state in ("granted", "denied", "revoked", "expired", "wider_scope_needed"):
        inviting.staff(state)
        rows.permission(rows.researcher(state), None, state)
    inviting.staff("new")
    inviting.staff("homeless", None)
    inviting.staff("elsewhere", "someone@gmail.com")
    inviting.staff("lookalike", "someone@notexample.edu")
    inviting.staff("below", "someone@physics.example.edu")
    inviting.staff("unwilling", opted_out=True)
    inviting.staff("leaver", is_current=False)
    rows.execute("INSERT INTO invitation_opt_out SELECT %s", (rows.researcher("quiet"),))
    inviting.staff("quiet")

    plan = inviting.plan(dry_run=True)

    assert set(plan.invited) == {"new", "below", "expired", "wider_scope_needed"}
    assert {reason: set(who) for reason, who in plan.left_out.items()} == {
        "connected": {"granted"},
        "said_no": {"denied", "revoked"},
        "no_address": {"homeless"},
        "wrong_domain": {"elsewhere", "lookalike"},
        "opted_out_in_cris": {"unwilling"},
        "opted_out": {"quiet"},
    }
    assert rows.one("SELECT count(*) FROM campaign") == 0
    assert {"denied", "revoked"} < set(inviting.plan(refused_too=True).invited)


def test_nobody_is_invited_by_two_units_or_twice(inviting: Inviting) -> None:
    people(inviting, 2)
    inviting.plan("first")
    assert inviting.plan("second", "medicine").left_out == {"invited_by_another_unit": ("P0", "P1")}
    assert inviting.plan("third").left_out == {"being_invited": ("P0", "P1")}
    inviting.send()
    assert close_campaign(inviting.ledger, "first", actor="op") == 2
    assert inviting.plan("fourth", "medicine").left_out == {"invited_before": ("P0", "P1")}
    assert inviting.plan("fifth", "medicine", again=True).invited == ("P0", "P1")
    with pytest.raises(Misconfigured, match="one of this name"):
        inviting.plan("fifth")


def test_no_e_mail_without_a_list_of_domains(inviting: Inviting) -> None:
    with pytest.raises(Misconfigured, match="ORCID_SYNC_INVITATION_DOMAINS"):
        inviting.plan(domains=())


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ada@example.edu", None),
        ("ada@cs.example.edu", None),
        ("ADA@EXAMPLE.EDU", None),
        ("ada@evil-example.edu", "wrong_domain"),
        ("ada@example.edu.evil.com", "wrong_domain"),
        ("ada@example.edu\r\nBcc: all@example.edu", "no_address"),
        ("ada@example.edu, eve@evil.com", "no_address"),
        ("ada <ada@example.edu>", "no_address"),
        ("ada", "no_address"),
        ("", "no_address"),
    ],
)
def test_an_address_is_ours_or_gets_nothing(address: str, why: str | None) -> None:
    assert wrong_address(address, ["example.edu"]) == why


def test_an_address_that_moved_away_since_the_plan_gets_nothing(inviting: Inviting) -> None:
    people(inviting, 1)
    inviting.plan()
    inviting.rows.execute("UPDATE cris_staff SET email = 'p0@gmail.com'")
    assert inviting.send().as_json() == {
        "sent": 0,
        "reminded": 0,
        "failed": 0,
        "refused": 0,
        "doubtful": 0,
        "stopped": False,
    }
    assert inviting.office.taken == []
    assert adoption(inviting.ledger)[0]["undeliverable"] == 1


# --- what --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_is_plain_and_html_with_links_of_its_own(inviting: Inviting, language: str) -> None:
    people(inviting, 2)
    inviting.plan(language=language)
    assert inviting.send().sent == 2

    first, second = inviting.office.messages()
    assert "Example University" in first["Subject"]
    assert str(first["From"]) == "Library <orcid@example.edu>"
    assert str(first["To"]) == "Ada Lovelace <p0@example.edu>"
    html = first.get_body(("html",)).get_content()
    assert f'lang="{language}"' in html
    assert link_in(first, "connect") in html
    assert link_in(first, "connect") != link_in(second, "connect")
    assert first["List-Unsubscribe"] == f"<https://orcid.example.edu/opt-out/{link_in(first, 'opt-out')}>"
    with inviting.ledger.transaction() as connection:
        link = read_link(connection, inviting.keys, "connect", link_in(first, "connect"))
        # For one purpose alone.
        with pytest.raises(LinkInvalid):
            read_link(connection, inviting.keys, "opt_out", link_in(first, "connect"))
    assert link.researcher_id == inviting.rows.one("SELECT id FROM researcher WHERE person_id = 'P0'")


def test_a_name_can_be_neither_a_header_nor_markup(inviting: Inviting) -> None:
    inviting.staff("P0", name='Eve\r\nBcc: all@evil.com <script>alert("1")</script>')
    inviting.plan()
    assert inviting.send().sent == 1
    [message] = inviting.office.messages()
    assert message["Bcc"] is None
    assert inviting.office.recipients() == ["p0@example.edu"]
    assert "<script>" not in message.get_body(("html",)).get_content()


def test_a_template_of_the_institution_replaces_ours_and_a_wrong_one_is_named(
    inviting: Inviting, tmp_path: Path
) -> None:
    (tmp_path / "en").mkdir()
    own = tmp_path / "en" / "invitation.txt"
    own.write_text("Connect, $name\n\nHere: $link, or not: $opt_out\n")
    inviting.letter = dataclasses.replace(inviting.letter, templates=tmp_path)
    people(inviting, 1)
    inviting.plan()
    inviting.send()
    assert inviting.office.messages()[0]["Subject"] == "Connect, Ada Lovelace"
    for text, why in (("Hello\n\n$link", "it needs"), ("Hello\n\n$link $opt_out $salary", "it knows no")):
        own.write_text(text)
        with pytest.raises(Misconfigured, match=why):
            load_words("en", "invitation", tmp_path)
    with pytest.raises(Misconfigured, match="tlh"):
        load_words("tlh", "invitation")


# --- when --------------------------------------------------------------------------------------------------------


def test_reminders_come_in_their_time_up_to_the_last(inviting: Inviting) -> None:
    people(inviting, 1)
    inviting.plan()
    assert inviting.send().sent == 1
    assert inviting.states() == {"P0": "invited"}
    assert inviting.send().as_json()["sent"] == 0
    inviting.days_pass(14)
    assert inviting.send().reminded == 1
    assert inviting.states() == {"P0": "reminded"}
    inviting.days_pass(14)
    assert inviting.send().reminded == 1
    inviting.days_pass(14)
    assert inviting.send().reminded == 0

    assert len(inviting.office.taken) == 3
    assert inviting.office.messages()[1]["Subject"].startswith("Reminder")
    assert inviting.rows.one("SELECT ended_because FROM invitation") == "done"
    events = inviting.rows.execute("SELECT state, cause FROM permission_event ORDER BY id")
    assert events == [("invited", "invitation"), ("reminded", "invitation")]


@pytest.mark.parametrize("answer", ["granted", "denied", "revoked"])
def test_who_answered_is_not_reminded(inviting: Inviting, answer: str) -> None:
    people(inviting, 2)
    inviting.plan()
    inviting.send()
    inviting.rows.execute(
        "UPDATE permission SET state = %s, changed_at = clock_timestamp() FROM researcher "
        "WHERE researcher.id = researcher_id AND person_id = 'P0'",
        (answer,),
    )
    inviting.days_pass(14)
    assert inviting.send().reminded == 1
    assert inviting.states() == {"P0": answer, "P1": "reminded"}
    [figures] = adoption(inviting.ledger)
    assert (figures["planned"], figures["invited"], figures["reminded"]) == (2, 2, 1)
    assert figures["connected" if answer == "granted" else "said_no"] == 1


def test_who_wants_none_gets_none(inviting: Inviting) -> None:
    people(inviting, 1)
    inviting.plan()
    inviting.send()
    registry = Registry({}, inviting.ledger, inviting.keys)
    portal = Portal(inviting.ledger, lambda: registry, Settings(), "simulator", "https://orcid.example")
    address = f"/opt-out/{link_in(inviting.office.messages()[0], 'opt-out')}"
    with TestClient(create_app(portal)) as browser:
        # Looking at it, as a program that checks links does, changes nothing.
        asked = browser.get(address, headers={"Accept-Language": "de"})
        assert (asked.status_code, asked.headers["content-language"]) == (200, "de")
        assert "Keine Einladungen mehr" in asked.text
        assert inviting.rows.one("SELECT count(*) FROM invitation_opt_out") == 0
        browser.cookies.clear()
        # As a mail program sends it: without cookie, origin or form key, and it follows no redirect.
        one_click = browser.post(address, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
        assert one_click.status_code == 200
        assert inviting.rows.one("SELECT count(*) FROM invitation_opt_out") == 1
        assert browser.post(address).status_code == 200
        assert "Done" in one_click.text
        assert "est fait" in browser.get(address, headers={"Accept-Language": "fr"}).text
        assert browser.post("/opt-out/k.AAAA").status_code == 410
        connect = link_in(inviting.office.messages()[0], "connect")
        assert browser.post(f"/opt-out/{connect}").status_code == 410
    inviting.days_pass(14)
    assert inviting.send().reminded == 0
    assert inviting.plan("later", again=True).left_out == {"opted_out": ("P0",)}
    assert adoption(inviting.ledger)[0]["opted_out"] == 1


# --- accidents ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("doing", "state", "again"),
    [
        pytest.param("451 later", "failed", 1, id="not now"),
        pytest.param("late 452 full", "failed", 1, id="not now, after the content"),
        pytest.param("drop_before", "failed", 1, id="hung up before the content"),
        pytest.param("550 nobody", "refused", 0, id="nobody of this name"),
        pytest.param("late 554 spam", "refused", 0, id="never, after the content"),
        pytest.param("drop_after", "doubt", 0, id="hung up after the content"),
    ],
)
def test_each_failure_is_what_it_is_and_its_neighbours_go_out(
    inviting: Inviting, doing: str, state: str, again: int
) -> None:
    people(inviting, 3)
    inviting.plan()
    inviting.office.script = lambda n: doing if n == 1 else "ok"
    counts = inviting.send()
    assert (counts.sent, counts.stopped) == (2, False)
    assert inviting.rows.execute("SELECT state FROM invitation_message WHERE state <> 'sent'") == [(state,)]
    assert inviting.send().sent == again
    arrived = Counter(inviting.office.recipients())
    assert set(arrived.values()) <= {1}
    assert len(arrived) == (2 if state == "refused" else 3)


def test_what_is_in_doubt_is_sent_again_only_on_request_and_is_reminded_in_its_time(
    inviting: Inviting,
) -> None:
    people(inviting, 1)
    inviting.plan()
    inviting.office.script = lambda n: "drop_after" if n == 0 else "ok"
    assert inviting.send().doubtful == 1
    assert inviting.send().sent == 0
    assert resend_doubtful(inviting.ledger, "autumn") == 1
    assert inviting.send().sent == 1
    inviting.days_pass(14)
    assert inviting.send().reminded == 1


def test_a_sender_that_was_killed_leaves_a_doubt_and_no_second_message(inviting: Inviting) -> None:
    people(inviting, 1)
    inviting.plan()
    inviting.rows.execute(
        "INSERT INTO invitation_message (invitation_id, number) SELECT id, 0 FROM invitation"
    )
    assert inviting.send().sent == 0
    assert inviting.office.taken == []
    assert adoption(inviting.ledger)[0]["doubtful"] == 1


def test_a_program_that_breaks_off_keeps_what_it_knows(inviting: Inviting) -> None:
    people(inviting, 3)
    inviting.plan()
    tried: list[str] = []

    def breaking(item: Any) -> tuple[str, str]:
        if len(tried) == 1:
            raise KeyboardInterrupt
        tried.append(item.to.email)
        return "sent", ""

    with pytest.raises(KeyboardInterrupt):
        send_due(inviting.ledger, inviting.keys, "mail", breaking, inviting.letter)
    states = inviting.rows.execute("SELECT state FROM invitation_message ORDER BY id")
    assert states == [("sent",), ("doubt",), ("failed",)]
    assert inviting.send().sent == 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_of_ten_thousand_none_is_lost_and_none_comes_twice_when_the_server_fails_half_way(
    inviting: Inviting,
) -> None:
    inviting.many_staff(MANY)
    assert len(inviting.plan().invited) == MANY
    half = MANY // 2
    # Here one is taken without a word, there one is put off, one does not exist; then the server goes away for a while.
    doing = {half - 3: "drop_after", half - 2: "451 later", half - 1: "550 nobody"}
    inviting.office.script = lambda n: doing.get(n, "drop_before" if half <= n < half + 5 else "ok")
    first = inviting.send_slips()
    assert (first.sent, first.failed, first.refused, first.doubtful, first.stopped) == (
        half - 3,
        6,
        1,
        1,
        True,
    )
    assert inviting.rows.one("SELECT count(*) FROM invitation_message WHERE state = 'sending'") == 0
    second = inviting.send_slips()
    assert (second.sent, second.failed, second.stopped) == (MANY - half + 1, 0, False)
    arrived = Counter(inviting.office.envelopes)
    assert set(arrived.values()) == {1}
    # Everybody but the one address that does not exist; the one in doubt did arrive, and is not asked again by itself.
    assert len(arrived) == MANY - 1
    assert inviting.send_slips().as_json() == dict.fromkeys(
        ("sent", "reminded", "failed", "refused", "doubtful"), 0
    ) | {"stopped": False}
    [figures] = adoption(inviting.ledger)
    assert (figures["invited"], figures["doubtful"], figures["undeliverable"]) == (MANY - 2, 1, 1)


def test_what_the_dag_calls_sends_both_ways_and_is_red_where_nothing_gets_through(
    inviting: Inviting,
) -> None:
    inviting.many_staff(6)
    inviting.plan()
    registry = Registry({}, inviting.ledger, inviting.keys)
    settings = Settings(mail_from="orcid@example.edu", invitation_domains=("example.edu",))
    inviting.office.script = lambda n: "451 later" if n < 5 else "ok"
    counts = send_all(inviting.ledger, registry, settings, inviting.smtp)
    with pytest.raises(Transient, match="half way"):
        refuse_stopped(counts)
    counts = refuse_stopped(send_all(inviting.ledger, registry, settings, inviting.smtp))
    assert (counts["mail"]["sent"], counts["inbox"]["sent"]) == (6, 0)
    assert "mail" not in send_all(inviting.ledger, registry, Settings(), inviting.smtp)


def test_two_senders_are_one(inviting: Inviting) -> None:
    with inviting.ledger.connection() as other:
        other.execute("SELECT pg_advisory_lock(%s, 0)", (INVITATION_LOCK,))
        with pytest.raises(Transient, match="being sent just now"):
            inviting.send()


# --- other ways --------------------------------------------------------------------------------------------------


def test_links_for_another_mailer_are_given_once(inviting: Inviting, tmp_path: Path) -> None:
    people(inviting, 2)
    inviting.plan(channel="file")
    with links_for_file(inviting.ledger, inviting.keys, "autumn", inviting.letter) as rows:
        pass
    assert [row["person_id"] for row in rows] == ["P0", "P1"]
    assert len({row["link"] for row in rows}) == 2
    assert inviting.states() == {"P0": "invited", "P1": "invited"}
    with links_for_file(inviting.ledger, inviting.keys, "autumn", inviting.letter) as again:
        assert again == []


def test_a_file_that_could_not_be_written_gives_the_links_again(inviting: Inviting) -> None:
    people(inviting, 1)
    inviting.plan(channel="file")
    with (
        pytest.raises(OSError, match="full"),
        links_for_file(inviting.ledger, inviting.keys, "autumn", inviting.letter),
    ):
        raise OSError("disk full")
    with links_for_file(inviting.ledger, inviting.keys, "autumn", inviting.letter) as rows:
        assert len(list(csv.reader([",".join(rows[0].values())]))) == 1


def test_a_lost_permission_is_asked_for_again_in_the_orcid_inbox(
    connected: Connected, inviting: Inviting
) -> None:
    person = connected.connect("P1")
    inviting.rows.execute("UPDATE permission SET state = 'expired'")
    inviting.rows.execute("UPDATE cris_staff SET email = NULL")
    inviting.staff("P2")

    plan = inviting.plan(channel="inbox")
    assert plan.invited == ("P1",)
    assert plan.left_out == {"id_not_authenticated": ("P2",)}
    deliver = by_inbox(connected.registry, inviting.letter)
    sent = send_due(inviting.ledger, inviting.keys, "inbox", deliver, inviting.letter)

    assert sent.sent == 1
    asked = [
        (call["orcid"], call["status"])
        for call in connected.simulator.control.calls()
        if call["path"].endswith("/notification-permission")
    ]
    assert asked == [(person.orcid, 201)]
    # The state still says why the permission is not there.
    assert inviting.states() == {"P1": "expired"}
