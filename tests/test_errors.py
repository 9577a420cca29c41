"""The error tree: every class says what, why, remedy and whose move, and survives a process boundary."""

from __future__ import annotations

import pickle

import pytest
from orcid_sync import errors
from orcid_sync.errors import SyncError, Who
from orcid_sync.secret import Secret

REQUIRED = {
    "SettingInvalid": {"variable": "ORCID_SYNC_X"},
    "RecordMerged": {"new_orcid": None},
    "Duplicate": {"put_code": 7},
}


def every_class() -> list[type[SyncError]]:
    found: list[type[SyncError]] = []
    waiting = [SyncError]
    while waiting:
        cls = waiting.pop()
        found.append(cls)
        waiting.extend(cls.__subclasses__())
    return [cls for cls in found if cls.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", every_class(), ids=lambda cls: cls.__name__)
def test_every_class_is_in_the_drawn_tree(cls: type[SyncError]) -> None:
    assert cls.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("cls", every_class(), ids=lambda cls: cls.__name__)
def test_every_class_names_whose_move_it_is_and_survives_pickling(cls: type[SyncError]) -> None:
    error = cls("Thing failed", why="because", status=400, error_code=9020, **REQUIRED.get(cls.__name__, {}))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is cls
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)
    assert error.who in Who


def test_an_error_reads_as_what_why_figures_remedy_and_who() -> None:
    error = errors.Invalid(
        "ORCID refused the item", why="no title", status=400, error_code=9022, field="title"
    )
    assert str(error) == (
        "ORCID refused the item: no title (status 400, error code 9022). "
        "Correct the item in the CRIS, or send the registry's message to the operator [CRIS team]"
    )


@pytest.mark.parametrize("why", ["The view is missing.", "Is the server running?"])
def test_a_reason_that_is_a_sentence_is_not_ended_twice(why: str) -> None:
    error = errors.Misconfigured("It can't be read", why=why, remedy="Correct it")
    assert str(error) == f"It can't be read: {why} Correct it [us]"


@pytest.mark.parametrize(
    ("error", "doubt"),
    [
        (errors.RateLimited("x"), False),
        (errors.Unreachable("x"), False),
        (errors.NoAnswer("x"), True),
        (errors.ServerError("x"), True),
        (errors.NoAnswer("x", doubt=False), False),
    ],
    ids=["rate", "unreachable", "no-answer", "server", "a-read"],
)
def test_doubt_says_whether_the_request_may_have_been_carried_out(
    error: errors.Transient, doubt: bool
) -> None:
    assert error.doubt is doubt


@pytest.mark.parametrize(
    ("field", "reason"),
    [("organization", "organisation_unknown"), ("title", "invalid_field"), (None, "refused_by_orcid")],
)
def test_a_refused_item_knows_its_withheld_reason(field: str | None, reason: str) -> None:
    assert errors.Invalid("x", field=field).reason == reason


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("s3cr3t-value")
    assert "s3cr3t" not in f"{secret} {secret!r} {secret:>20} {[secret]}"
    assert secret.reveal() == "s3cr3t-value"
    assert secret == Secret("s3cr3t-value")
    assert secret != Secret("other")


def test_a_secret_is_never_serialised() -> None:
    with pytest.raises(TypeError, match="never serialised"):
        pickle.dumps(Secret("s3cr3t-value"))
