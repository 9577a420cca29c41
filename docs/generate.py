"""`make docs`: writes what is made from the code: the tables of README.md, the descriptions of the APIs."""

from __future__ import annotations

import json
import re
from pathlib import Path

from orcid_sync.consent.broker.app import openapi_text
from orcid_sync.cris.contract import CONTRACT
from orcid_sync.review.console.routes.api import description, router
from orcid_sync.settings import settings_table

README = Path(__file__).parents[1] / "README.md"
BROKER = Path(__file__).parent / "broker-openapi.json"
REVIEW_API = Path(__file__).parent / "review-openapi.json"


def contract_table() -> str:
    """The views of the contract with the columns that have to be there."""
    lines = ["| view of `orcid_feed` | key | columns that have to be there |", "|---|---|---|"]
    for relation in CONTRACT.values():
        columns = ", ".join(f"`{column.name}`" for column in relation.columns if column.required)
        name = f"`{relation.name}`" + (" (optional)" if relation.optional else "")
        lines.append(f"| {name} | {', '.join(f'`{key}`' for key in relation.key)} | {columns} |")
    return "\n".join(lines) + "\n"


def with_tables(text: str) -> str:
    """The text with the tables between their markers made anew."""
    for name, table in {"contract": contract_table(), "settings": settings_table()}.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}", text)
        if count != 1:
            message = f"README.md has no place for the table {name}"
            raise ValueError(message)
    return text


def review_api() -> str:
    """The OpenAPI description of `/orcid-review/api`."""
    return json.dumps(description(router.routes, "/orcid-review"), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    REVIEW_API.write_text(review_api())
    README.write_text(with_tables(README.read_text()))
    BROKER.write_text(openapi_text())
