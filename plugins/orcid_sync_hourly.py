"""What `watch_records` does each hour, one function a task; each can be called again at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orcid_sync.report.schedule import next_write
from orcid_sync_airflow import SETTINGS, airflow_api, channels, ledger, mailer, registry, run_id

if TYPE_CHECKING:
    from collections.abc import Callable


def read_changed_records() -> dict:
    """Ask the registry which records changed, and read these."""
    from orcid_sync.sync.mirror import search_and_mirror

    return search_and_mirror(ledger(), registry(), run_id=run_id(), settings=SETTINGS, only_flagged=True)


def register_webhooks() -> dict:
    """Have changes of the records called back, and give up those nobody needs."""
    from orcid_sync.sync.mirror import register_webhooks

    return register_webhooks(ledger(), registry(), run_id=run_id(), settings=SETTINGS)


def prove_permissions() -> dict:
    """Check permissions in doubt, and those that nothing was heard of for longest."""
    from orcid_sync.sync.check_permissions import check_permissions

    return check_permissions(ledger(), registry(), run_id=run_id(), limit=SETTINGS.permission_checks)


def refresh_tokens() -> dict:
    """Renew tokens that are about to expire."""
    from orcid_sync.vault.refresh import refresh_tokens

    return refresh_tokens(ledger(), registry(), before=SETTINGS.refresh_before)


def close_finished_batches() -> int:
    """Close batches in which nothing is left to decide or to write."""
    from orcid_sync.review.decisions import close_finished

    return close_finished(ledger())


def end_delete_only() -> int:
    """Give up tokens that were kept long enough to remove what we wrote."""
    from orcid_sync.vault.store import end_delete_only

    with ledger().transaction() as connection:
        return end_delete_only(connection, SETTINGS.delete_only_days)


def close_replaced_questions() -> int:
    """End the questions about batches that a newer one replaced."""
    from orcid_sync.review.replaced import close_replaced

    api = airflow_api()
    return close_replaced(ledger(), api) if api else 0


def take_snapshot() -> dict:
    """Keep today's figures."""
    from orcid_sync.ledger.snapshot import take_snapshot

    return take_snapshot(ledger())


def mail_librarians() -> dict:
    """Tell librarians about batches."""
    from orcid_sync.review.mail import mail_batches

    send, told = mailer(), {"sender": SETTINGS.mail_from, "console_url": SETTINGS.console_url}
    return mail_batches(ledger(), send, **told, next_write=next_write(SETTINGS)) if send else {}


def disconnect_leaving() -> dict:
    """Disconnect those who leave, once our entries are off their records."""
    from orcid_sync.consent.leaving import finish_leaving

    return finish_leaving(ledger(), registry(), settings=SETTINGS)


def mail_researchers() -> dict:
    """Tell researchers who connected about their first update, and about a permission that was lost."""
    from orcid_sync.consent.letters import mail_researchers

    send, told = mailer(), {"sender": SETTINGS.mail_from, "portal_url": SETTINGS.portal_url}
    return mail_researchers(ledger(), send, **told) if send else {}


def sweep_portal() -> int:
    """Forget the portal's sessions that have ended."""
    from orcid_sync.consent.portal.sessions import sweep

    with ledger().transaction() as connection:
        return sweep(connection)


def send_alerts() -> dict:
    """Raise, settle and deliver alerts."""
    from orcid_sync.report.alerts import deliver, look

    found = look(ledger(), SETTINGS)
    return found | deliver(ledger(), channels())


HOURLY: Final[tuple[Callable[[], object], ...]] = (
    *(read_changed_records, register_webhooks, prove_permissions, refresh_tokens),
    *(close_finished_batches, end_delete_only, close_replaced_questions, take_snapshot),
    *(mail_librarians, disconnect_leaving, mail_researchers, sweep_portal, send_alerts),
)
