-- Somebody connected another record. What stands on the former one stays there, out of our reach; here its put codes are
-- closed, and everything is asked anew for the record that is connected now.
WITH closed AS (
    UPDATE put_code SET closed_at = now(), closed_because = 'orcid_changed'
    FROM item, permission
    WHERE item.id = put_code.item_id AND put_code.closed_at IS NULL
      AND permission.researcher_id = item.researcher_id AND permission.client_id = put_code.client_id
      AND permission.state = 'granted' AND permission.orcid <> put_code.orcid
      AND NOT EXISTS (SELECT FROM change WHERE change.item_id = item.id AND change.state = 'writing')
    RETURNING put_code.item_id, put_code.unit_id
)
INSERT INTO audit_event (what, unit_id, item_id) SELECT 'left_behind', unit_id, item_id FROM closed;
