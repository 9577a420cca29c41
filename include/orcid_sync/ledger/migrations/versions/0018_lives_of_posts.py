"""Which posts are added, and when one becomes another."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run("0018_lives_of_posts.sql")
