-- A name that was given up stays taken until free_at.
ALTER TABLE identifiers ADD COLUMN free_at BIGINT;
CREATE INDEX identifiers_free ON identifiers (free_at) WHERE free_at IS NOT NULL;
