"""A value that must never be shown."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A token, key or password that prints as ``***`` and is read only by asking for it with `reveal`.

    It refuses to be pickled, so it can't slip into an XCom, a cache or another process unnoticed.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Call it where the value is used; keep the result in no variable."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        msg = "a secret is never serialised: pass its owner's key and read it where it is used"
        raise TypeError(msg)
