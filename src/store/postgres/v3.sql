-- Events are dropped by their age, those that tell how an account came to be what it is apart from the others.
ALTER TABLE events ADD COLUMN lasting BOOLEAN NOT NULL DEFAULT FALSE;
-- As bytes: an application's own name may hold what is no text here.
UPDATE events SET lasting = TRUE WHERE outcome = 0 AND name <> ALL (ARRAY['sign-in', 'factor-proven', 'step-up',
    'browser-trusted', 'answered-elsewhere', 'session-refresh', 'sign-out', 'session-ended', 'browser-forgotten',
    'other-sessions-ended', 'notice-undelivered', 'account-switched']::BYTEA[]);
-- A node of the version before says nothing of it: what is not known to pass is kept.
ALTER TABLE events ALTER COLUMN lasting SET DEFAULT TRUE;
CREATE INDEX events_old ON events (realm, lasting, at, id);
