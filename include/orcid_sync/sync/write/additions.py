"""Additions to one record: works in bulk, other sections one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orcid_sync.errors import ItemRefused, RecordFull, Transient
from orcid_sync.model.identifiers import match_key
from orcid_sync.model.sections import SECTIONS
from orcid_sync.sync.write import booking, groups, journal
from orcid_sync.sync.write.approved import Approved
from orcid_sync.sync.write.calls import Calls


@dataclass
class Additions:
    """Carries out the approved additions to one record."""

    calls: Calls

    def send(self, changes: Sequence[Approved]) -> None:
        """Send them all. Raises StopRecord."""
        single = self._must_go_alone(changes)
        for name, section in SECTIONS.items():
            of_section = [change for change in changes if change.section == name]
            if section.bulk > 1:
                together = [change for change in of_section if change.id not in single]
                for start in range(0, len(together), section.bulk):
                    self._post_bulk(together[start : start + section.bulk])
                of_section = [change for change in of_section if change.id in single]
            for change in of_section:
                self._post(change)

    def _must_go_alone(self, changes: Sequence[Approved]) -> set[int]:
        """Adds whose identifier another item of ours names as another version of itself.

        In a bulk call the registry takes that for a duplicate, in a call of its own it does not.
        """
        versions = {
            row.key
            for row in self.calls.connection.execute(
                "SELECT key.key FROM record_item_key key JOIN record_item item USING (orcid, section, put_code, client_id) "
                "WHERE key.orcid = %s AND key.client_id = %s AND key.relationship = 'version-of' "
                "AND item.source_client_id = key.client_id",
                (self.calls.work.orcid, self.calls.work.client_id),
            )
        }
        for change in changes:
            versions |= _version_keys(change)
        return {change.id for change in changes if versions & set(change.self_keys)}

    def _post_bulk(self, changes: Sequence[Approved]) -> None:
        calls = self.calls
        intents = calls.begin(changes)
        sent = [change for change in changes if change.id in intents]
        if not sent:
            return
        pairs = [(change, intents[change.id]) for change in sent]
        try:
            answers = calls.send(
                pairs,
                lambda: calls.client.add_works_bulk(
                    calls.work.orcid, [change.content or {} for change in sent], calls.token
                ),
            )
        except (ItemRefused, RecordFull) as error:
            # The call as a whole: nothing of it was taken.
            with calls.connection.transaction():
                for change, intent in pairs:
                    journal.back_to_open(calls.connection, change, intent, "failed", error)
            self._in_smaller_calls(sent, error)
            return
        added = [
            (change, intent, answer.put_code)
            for (change, intent), answer in zip(pairs, answers, strict=True)
            if answer.error is None and answer.put_code is not None
        ]
        with calls.connection.transaction():
            booking.added(calls.connection, calls.work, added)
        calls.tally.added += len(added)
        for (change, intent), answer in zip(pairs, answers, strict=True):
            if answer.error is None and answer.put_code is not None:
                continue
            if isinstance(answer.error, ItemRefused):
                calls.refuse(change, intent, answer.error)
            elif isinstance(answer.error, Transient) and answer.error.doubt:
                journal.doubtful(calls.connection, change, answer.error)
                calls.tally.retrying += 1
            else:
                calls.requeue([(change, intent)], answer.error)

    def _in_smaller_calls(self, changes: Sequence[Approved], error: Exception) -> None:
        """A refusal shows one by one which of them is to blame; a record that is nearly full takes what fits."""
        if isinstance(error, RecordFull) and len(changes) > 1:
            half = len(changes) // 2
            self._post_bulk(changes[:half])
            self._post_bulk(changes[half:])
            return
        for change in changes:
            self._post(change)

    def _post(self, change: Approved) -> None:
        calls = self.calls
        intent = calls.begin([change]).get(change.id)
        if intent is None:
            return
        content = change.content or {}

        def add() -> int:
            groups.prepare(calls.connection, calls.client, change.section, content)
            return calls.client.add_item(calls.work.orcid, change.section, content, calls.token)

        try:
            put_code = calls.send([(change, intent)], add)
        except ItemRefused as error:
            calls.refuse(change, intent, error)
            return
        with calls.connection.transaction():
            booking.written(calls.connection, calls.work, change, intent, put_code=put_code)
        calls.tally.count("add")


def _version_keys(change: Approved) -> set[str]:
    identifiers = ((change.content or {}).get("external-ids") or {}).get("external-id") or []
    return {
        match_key(identifier["external-id-type"], identifier["external-id-value"])
        for identifier in identifiers
        if identifier.get("external-id-relationship") == "version-of"
    }
