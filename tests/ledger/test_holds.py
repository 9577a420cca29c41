"""What a hold holds."""

from __future__ import annotations

import pytest
from orcid_sync.ledger.holds import held
from orcid_sync.ledger.session import Ledger

from tests.fixtures.ledger_rows import LedgerRows


def hold(rows: LedgerRows, unit: int | None, researcher: int | None, until: str | None = None) -> None:
    rows.execute(
        "INSERT INTO hold (unit_id, researcher_id, actor_id, until) VALUES (%s, %s, %s, now() + %s::interval)",
        (unit, researcher, rows.actor("op"), until),
    )


@pytest.mark.parametrize(
    ("unit", "person", "other_person", "other_unit"),
    [
        pytest.param(False, False, True, True, id="everything"),
        pytest.param(True, False, True, False, id="one unit"),
        pytest.param(False, True, False, True, id="one person"),
        pytest.param(True, True, False, False, id="one person in one unit"),
    ],
)
def test_a_hold_holds_what_it_names(
    rows: LedgerRows, ledger: Ledger, *, unit: bool, person: bool, other_person: bool, other_unit: bool
) -> None:
    library, medicine = rows.unit("library"), rows.unit("medicine")
    one, other = rows.researcher("P1"), rows.researcher("P2")
    with ledger.connection() as connection:
        assert not held(connection, library, one)
        hold(rows, library if unit else None, one if person else None)
        assert held(connection, library, one)
        assert held(connection, library, other) is other_person
        assert held(connection, medicine, one) is other_unit


@pytest.mark.parametrize(("until", "expected"), [("1 hour", True), ("-1 hour", False), (None, True)])
def test_a_hold_ends_by_itself_where_it_says_so(
    rows: LedgerRows, ledger: Ledger, until: str | None, *, expected: bool
) -> None:
    hold(rows, None, None, until)
    with ledger.connection() as connection:
        assert held(connection) is expected
