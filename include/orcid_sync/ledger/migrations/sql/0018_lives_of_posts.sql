-- Which of somebody's posts a unit adds.
ALTER TABLE ledger.unit ADD COLUMN posts text NOT NULL DEFAULT 'all';
ALTER TABLE ledger.unit ADD CONSTRAINT unit_posts_check CHECK (posts IN ('all', 'primary'));

-- A post that is not its holder's main one; a post as it was before its holder was promoted or moved, the key that the
-- CRIS has for the one of today, and the key in the item's stable link, where that is not its own.
ALTER TABLE ledger.cris_row ADD COLUMN secondary boolean NOT NULL DEFAULT false;
ALTER TABLE ledger.cris_row ADD COLUMN former_of text;
ALTER TABLE ledger.cris_row ADD COLUMN uri_key text;
CREATE INDEX cris_row_former_idx ON ledger.cris_row (former_of) WHERE former_of IS NOT NULL;
