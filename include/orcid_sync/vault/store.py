"""The vault's public face: permissions with their states, tokens with their seals."""

from __future__ import annotations

from orcid_sync.vault.permissions import (
    change_permission,
    clear_suspicion,
    end_delete_only,
    permission_lost,
    set_permission,
    suspect_permission,
)
from orcid_sync.vault.tokens import Tokens, put_tokens, read_tokens, rotate_keys
from orcid_sync.vault.transfer import SEALED_COLUMNS, TOKEN_COLUMNS, export_tokens, import_tokens

__all__ = [
    "SEALED_COLUMNS",
    "TOKEN_COLUMNS",
    "Tokens",
    "change_permission",
    "clear_suspicion",
    "end_delete_only",
    "export_tokens",
    "import_tokens",
    "permission_lost",
    "put_tokens",
    "read_tokens",
    "rotate_keys",
    "set_permission",
    "suspect_permission",
]
