"""The demonstration's folder: pictures in order, and a page that says what each shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from orcid_sync.local import demonstration
from orcid_sync.local.demonstration import Album
from orcid_sync.local.processes import ProcessFailed


class Camera:
    """As much of a browser's page as a picture needs."""

    def screenshot(self, *, path: str, full_page: bool) -> None:
        assert full_page
        Path(path).write_bytes(b"png")


def test_the_page_shows_every_picture_with_its_words(tmp_path: Path) -> None:
    album = Album(tmp_path)
    album.take(Camera(), "connect", "Before <ORCID's> button")  # type: ignore[arg-type]
    album.take(Camera(), "deny", "A no")  # type: ignore[arg-type]
    page = album.write_page().read_text()
    assert sorted(one.name for one in tmp_path.glob("*.png")) == ["01-connect.png", "02-deny.png"]
    assert page.index("01-connect.png") < page.index("02-deny.png")
    assert "Before &lt;ORCID&#x27;s&gt; button" in page


def test_a_machine_without_a_browser_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCID_SYNC_CHROMIUM", raising=False)
    monkeypatch.setattr(demonstration.shutil, "which", lambda name: None)
    with pytest.raises(ProcessFailed, match="apt-get install chromium"), demonstration.browser():
        pass
