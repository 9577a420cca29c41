"""`python fab_roles.py`: the role Librarian in Airflow's FAB user management, made or completed. Safe to run again.

A librarian reads everything that a viewer reads and answers Required Actions. Whose questions, the DAG itself says
(`access_control` of `approve_batch`); it also means that they may pause that one DAG.
"""

from __future__ import annotations

ROLE = "Librarian"
BEYOND_VIEWER = (("can_edit", "HITL Detail"), ("menu_access", "HITL Detail"), ("can_read", "HITL Detail"))


def make_librarian() -> list[str]:
    """Give the role its permissions and return them, as `action on resource`."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        role = manager.find_role(ROLE) or manager.add_role(ROLE)
        wanted = [(p.action.name, p.resource.name) for p in manager.find_role("Viewer").permissions]
        for action, resource in (*wanted, *BEYOND_VIEWER):
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
        return sorted(f"{p.action.name} on {p.resource.name}" for p in role.permissions)


if __name__ == "__main__":
    permissions = make_librarian()
    print(f"Role {ROLE}: {len(permissions)} permissions")  # noqa: T201 - a command's output
