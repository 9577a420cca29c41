"""What goes into the JSON API and comes out of it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from orcid_sync.review.console.context import MAX_KEY
from orcid_sync.review.console.filters import LISTS, Filter, filter_from

Key = Annotated[int, Path(ge=1, le=MAX_KEY)]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Word = Annotated[str, Field(max_length=400, pattern=r"^[^\x00]*$")]
Asked = Annotated[Word, Query()]
Words = Annotated[list[Word], Field(max_length=100)]


class Error(BaseModel):
    """What went wrong, why, what to do, and whose move it is."""

    error: str
    what: str
    why: str
    remedy: str
    who: str


class BatchOut(BaseModel):
    """A batch and how far it got."""

    batch: int
    unit: str
    kind: str
    state: str
    created_at: dt.datetime
    changes: int
    add: int
    update: int
    remove: int
    warned: int
    researchers: int
    undecided: int
    approved: int
    rejected: int
    written: int


class ChangeOut(BaseModel):
    """A change. `decision` is the latest one's number: send it back as `seen` when you decide."""

    change: int
    item: int
    kind: Literal["add", "update", "remove"]
    state: str
    section: str
    cris_id: str
    person_id: str
    person: str
    title: str
    type: str
    year: str
    why: str
    warnings: list[str]
    first_write: bool
    decision: int | None
    decided_by: str | None


class ChangesOut(BaseModel):
    """One page of a batch's changes."""

    total: int
    page: int
    pages: int
    changes: list[ChangeOut]


class DiffLine(BaseModel):
    text: str
    href: str | None
    mark: Literal["same", "added", "gone"]


class DiffField(BaseModel):
    name: str
    label: str
    before: list[DiffLine]
    after: list[DiffLine]


class ChangeDetail(BaseModel):
    """A change with its content before and after."""

    change: int
    item: int
    kind: Literal["add", "update", "remove"]
    state: str
    person_id: str
    orcid: str | None
    title: str
    why: str
    warnings: list[str]
    first_write: bool
    decision: int | None
    fields: list[DiffField]


class ItemOut(BaseModel):
    """An item and its state."""

    item: int
    unit: str
    section: str
    cris_id: str
    person_id: str
    person: str
    title: str
    state: str
    reason: str | None
    detail: str | None
    put_code: int | None


class DecidedChange(BaseModel):
    change: int
    decision: int | None
    state: str
    at: dt.datetime | None
    by: str | None


class DecidedBatch(BaseModel):
    batch: int
    state: str
    changes: int
    undecided: int


class DecidedOut(BaseModel):
    """What became of a decision; `left` counts what was left as it is, by reason."""

    unit: str
    verdict: str
    decided: int
    left: dict[str, int]
    changes: list[DecidedChange]
    batches: list[DecidedBatch]
    questions: dict[int, str]


class WishOut(BaseModel):
    """How many items a wish was recorded for; `left` names the others with the reason."""

    unit: str
    wish: str
    items: int
    left: dict[int, str]


class PreviewOut(BaseModel):
    """What a decision about everything that matches would cover, and what it would leave."""

    add: int
    update: int
    remove: int
    warned: int
    researchers: int
    left_removals: int
    left_warnings: int
    decided_before: int
    total: int


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeenChange(_Strict):
    """A change, and the latest decision that was seen on it (null: none)."""

    change: int = Field(ge=1, le=MAX_KEY)
    seen: int | None = Field(default=None, ge=1, le=MAX_KEY)


Verdict = Literal["approve", "reject", "withdraw"]


class DecideNamed(_Strict):
    """A verdict on changes named one by one; one decided since it was seen is left as it is."""

    verdict: Verdict
    changes: list[SeenChange] = Field(min_length=1, max_length=20_000)
    note: Text | None = None


class FilterIn(_Strict):
    """Which changes of a batch; several values of one field widen it."""

    state: Words = []
    kind: Words = []
    care: Words = []
    type: Words = []
    year: Words = []
    person: Words = []
    why: Words = []
    work: Words = []
    text: Word = ""

    def filter(self) -> Filter:
        return filter_from({**{name: getattr(self, name) for name in LISTS}, "text": [self.text]})


class PageIn(FilterIn):
    """A filter in an address, and the page."""

    page: int = Field(default=1, ge=1, le=1_000_000)


class DecideMatching(_Strict):
    """A verdict on what of a batch matches and is undecided; removals and warnings only where they are named."""

    verdict: Verdict
    filter: FilterIn = FilterIn()
    removals: bool = False
    warnings: bool = False
    note: Text | None = None


class Preview(_Strict):
    filter: FilterIn = FilterIn()
    removals: bool = False
    warnings: bool = False


class WishIn(_Strict):
    """A standing wish about items; `restore` needs a note on the researcher's request."""

    wish: Literal["suppress", "unsuppress", "assert", "unassert", "restore", "unrestore"]
    items: list[Annotated[int, Field(ge=1, le=MAX_KEY)]] = Field(min_length=1, max_length=1000)
    note: Text | None = None


class HoldIn(_Strict):
    """Pause or resume everything, or one unit."""

    unit: Word | None = None
    note: Text | None = None


class HoldOut(BaseModel):
    unit: str | None
    paused: bool


class RunOut(BaseModel):
    """A run and its stages."""

    run: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    stages: list[str]
    failed: int
