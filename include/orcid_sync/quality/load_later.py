"""Modules that another package imports at its start and that are not used here.

`importlib.util.LazyLoader` doesn't serve: the import statement itself looks at the module, which loads it.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


def load_later(*names: str) -> None:
    """Put off the import of these modules until something of them is asked for; those already loaded stay."""
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = _StandIn(name)


class _StandIn(ModuleType):
    """In a module's place; makes way for it when it is needed."""

    def __getattr__(self, attribute: str) -> Any:
        # The import system's own questions, for instance whether the module is still being loaded.
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)
