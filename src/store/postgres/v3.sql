-- Events are dropped by their age, those that tell how an account came to be what it is apart from the others.
ALTER TABLE events ADD COLUMN lasting BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE events SET lasting = TRUE WHERE outcome = 0 AND convert_from(name, 'UTF8') NOT IN ('sign-in', 'factor-proven',
    'step-up', 'browser-trusted', 'answered-elsewhere', 'session-refresh', 'sign-out', 'session-ended',
    'browser-forgotten', 'other-sessions-ended', 'notice-undelivered');
-- A node of the version before says nothing of it: what is not known to pass is kept.
ALTER TABLE events ALTER COLUMN lasting SET DEFAULT TRUE;
CREATE INDEX events_old ON events (realm, lasting, at, id);
