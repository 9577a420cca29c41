-- Whether the sections of the person were read with the activities.
ALTER TABLE ledger.record ADD COLUMN person_read boolean NOT NULL DEFAULT false;
