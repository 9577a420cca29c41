-- Alerts, each cause once, and to whom they were told.
CREATE TABLE ledger.alert (
    id bigint GENERATED ALWAYS AS IDENTITY,
    cause text NOT NULL,
    unit_id integer,
    what text NOT NULL,
    remedy text NOT NULL,
    who text NOT NULL,
    path text NOT NULL DEFAULT '',
    run_id text,
    map_indexes integer[] NOT NULL DEFAULT '{}',
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    CONSTRAINT alert_pkey PRIMARY KEY (id),
    CONSTRAINT alert_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES ledger.unit (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX alert_open_key ON ledger.alert (cause) WHERE resolved_at IS NULL;

CREATE TABLE ledger.alert_delivery (
    id bigint GENERATED ALWAYS AS IDENTITY,
    alert_id bigint NOT NULL,
    channel text NOT NULL,
    unit_id integer,
    attempts integer NOT NULL DEFAULT '0',
    failure text,
    tried_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    CONSTRAINT alert_delivery_pkey PRIMARY KEY (id),
    CONSTRAINT alert_delivery_channel_check CHECK (channel IN ('mail', 'webhook')),
    CONSTRAINT alert_delivery_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES ledger.alert (id) ON DELETE CASCADE,
    CONSTRAINT alert_delivery_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES ledger.unit (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX alert_delivery_once_key ON ledger.alert_delivery (alert_id, channel, unit_id) NULLS NOT DISTINCT;

DO $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.alert, ledger.alert_delivery TO %I',
        current_database() || '_app');
END
$$;
