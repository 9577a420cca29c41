"""Histories that once broke a promise, as `tests.simulation.run` cut them down: a seed, and steps."""

from __future__ import annotations

from typing import Final

from tests.simulation.actions import Steps

REGRESSIONS: Final[tuple[tuple[int, Steps], ...]] = (
    # Two persons of the CRIS with one record: what was removed for one of them came back for the other.
    (
        1253,
        [
            ("swap_identifiers", 235808),
            ("employ", 776172),
            ("publish", 385794),
            ("a_round", 15437),
            ("connect_the_record_of_another", 991180),
            ("remove_our_entry", 47332),
        ],
    ),
    # The same, with an identifier that changed while the one's permission was lost: written twice.
    (
        1387,
        [
            ("retitle", 281065),
            ("change_state", 947879),
            ("connect_the_record_of_another", 990106),
            ("a_round", 525292),
            ("share_an_identifier", 68476),
            ("revoke", 360049),
            ("grant", 516642),
            ("a_round", 140743),
        ],
    ),
    # The one's refused token was never looked at again, because the other's worked.
    (
        1387,
        [
            ("a_round", 979229),
            ("accident", 191139),
            ("change_state", 947879),
            ("connect_the_record_of_another", 990106),
            ("revoke", 360049),
            ("grant", 516642),
            ("a_round", 140743),
        ],
    ),
    # A call in doubt, its permission lost, and the record reached through somebody else's.
    (
        3021,
        [
            ("a_round", 407365),
            ("lose_the_lock", 156507),
            ("connect_the_record_of_another", 154415),
            ("revoke", 534436),
        ],
    ),
)
