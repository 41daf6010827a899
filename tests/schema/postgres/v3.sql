-- Numbers are BIGINT, times milliseconds since the epoch, ids and names bytes: TEXT cannot hold all that a name may be.
CREATE TABLE propusk_schema (one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one), version BIGINT NOT NULL);

CREATE TABLE accounts (
    id BYTEA PRIMARY KEY, epoch BIGINT NOT NULL, version BIGINT NOT NULL, state BIGINT NOT NULL,
    realm BYTEA NOT NULL, route BYTEA NOT NULL, created BIGINT NOT NULL, data_key BYTEA NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE TABLE identifiers (lookup BYTEA PRIMARY KEY, account BYTEA NOT NULL, sealed BYTEA NOT NULL);
CREATE INDEX identifiers_of ON identifiers (account);
CREATE TABLE contacts (
    id BYTEA PRIMARY KEY, account BYTEA NOT NULL, version BIGINT NOT NULL, confirmed BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX contacts_of ON contacts (account);
-- lookups: in the row's own order; handles is what finds them
CREATE TABLE credentials (
    id BYTEA PRIMARY KEY, account BYTEA NOT NULL, version BIGINT NOT NULL, factor BYTEA NOT NULL,
    created BIGINT NOT NULL, lookups BYTEA[] NOT NULL, sealed BYTEA NOT NULL
);
CREATE INDEX credentials_of ON credentials (account);
CREATE TABLE handles (lookup BYTEA PRIMARY KEY, account BYTEA NOT NULL, credential BYTEA NOT NULL);
CREATE TABLE browsers (
    id BYTEA PRIMARY KEY, account BYTEA NOT NULL, key BYTEA NOT NULL UNIQUE, seen BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX browsers_of ON browsers (account);
CREATE INDEX browsers_over ON browsers (expires);
CREATE TABLE flows (
    key BYTEA PRIMARY KEY, version BIGINT NOT NULL, expires BIGINT NOT NULL, sealed BYTEA NOT NULL
);
CREATE INDEX flows_over ON flows (expires);
CREATE TABLE sessions (
    key BYTEA PRIMARY KEY, account BYTEA NOT NULL, id BYTEA NOT NULL, epoch BIGINT NOT NULL,
    created BIGINT NOT NULL, seen BIGINT NOT NULL, idle_secs BIGINT NOT NULL, expires BIGINT NOT NULL,
    proofs BYTEA NOT NULL, UNIQUE (account, id)
);
CREATE INDEX sessions_over ON sessions (least(expires, seen + idle_secs * 1000));
CREATE TABLE once (key BYTEA PRIMARY KEY, until BIGINT NOT NULL);
CREATE INDEX once_over ON once (until);
CREATE TABLE guards (
    key BYTEA PRIMARY KEY, refused BIGINT NOT NULL, pending BIGINT NOT NULL, lease_until BIGINT NOT NULL,
    held_until BIGINT NOT NULL, forget_at BIGINT NOT NULL
);
CREATE INDEX guards_over ON guards (forget_at);
-- full_at: microseconds. May be lost, so it need not wait for the disk
CREATE UNLOGGED TABLE throttles (key BYTEA PRIMARY KEY, full_at BIGINT NOT NULL);
CREATE INDEX throttles_over ON throttles (full_at);
CREATE TABLE events (
    id BYTEA PRIMARY KEY, account BYTEA, at BIGINT NOT NULL, outcome BIGINT NOT NULL, realm BYTEA NOT NULL,
    name BYTEA NOT NULL, sealed BYTEA NOT NULL
);
CREATE INDEX events_of ON events (account, id) WHERE account IS NOT NULL;
-- ready: due, or the end of a lease. over: may be dropped from then on, NULL while it is to be delivered
CREATE TABLE messages (
    id BYTEA PRIMARY KEY, realm BYTEA NOT NULL, account BYTEA, deliver BOOLEAN NOT NULL, due BIGINT NOT NULL,
    ready BIGINT NOT NULL, attempts BIGINT NOT NULL, over BIGINT, delivered BOOLEAN, sealed BYTEA NOT NULL
);
CREATE INDEX messages_due ON messages (realm, due) WHERE over IS NULL;
CREATE INDEX messages_over ON messages (over) WHERE over IS NOT NULL;
CREATE TABLE canaries (realm BYTEA PRIMARY KEY, sealed BYTEA NOT NULL);

-- A precondition: whoever reads the error knows the write by the place of its statement.
CREATE FUNCTION propusk_must(held BOOLEAN) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    IF held IS NOT TRUE THEN
        RAISE EXCEPTION 'propusk: a precondition does not hold' USING ERRCODE = 'PK001';
    END IF;
END $$;

-- Sums that stay at the last moment there is.
CREATE FUNCTION propusk_after(at BIGINT, span BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN at > 9223372036854775807 - span THEN 9223372036854775807 ELSE at + span END
$$;

-- From here the twin of src/lockout.rs: a guard is read, judged and written where it lies, in one round trip and with
-- no lock held across the network. A test plays both against one another.
CREATE TYPE guard_limit AS (
    free BIGINT, hold BIGINT, longest_hold BIGINT, allowance BIGINT, lease BIGINT, idle BIGINT
);

-- The row, locked; made when it is not there.
CREATE FUNCTION propusk_guard(k BYTEA) RETURNS guards LANGUAGE plpgsql AS $$
DECLARE
    g guards;
BEGIN
    LOOP
        SELECT * INTO g FROM guards WHERE key = k FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO guards VALUES (k, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN g;
END $$;

CREATE FUNCTION propusk_guard_put(g guards) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    UPDATE guards SET refused = g.refused, pending = g.pending, lease_until = g.lease_until,
        held_until = g.held_until, forget_at = g.forget_at WHERE key = g.key;
END $$;

CREATE FUNCTION propusk_guard_run(l guard_limit) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT least(l.free + 1, 4294967295)
$$;

CREATE FUNCTION propusk_guard_hold(l guard_limit, runs BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT least(l.hold::NUMERIC * runs, l.longest_hold)::BIGINT
$$;

CREATE FUNCTION propusk_guard_count(g guards, l guard_limit, more BIGINT, at BIGINT) RETURNS guards
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    runs_before BIGINT := g.refused / propusk_guard_run(l);
    runs BIGINT;
BEGIN
    g.refused := least(g.refused + more, 4294967295);
    runs := g.refused / propusk_guard_run(l);
    IF runs > runs_before THEN
        g.held_until := propusk_after(at, propusk_guard_hold(l, runs));
    END IF;
    RETURN g;
END $$;

CREATE FUNCTION propusk_guard_expire(g guards, l guard_limit, now BIGINT) RETURNS guards
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    dead BIGINT := g.pending;
BEGIN
    IF g.pending > 0 AND g.lease_until <= now THEN
        g.pending := 0;
        g := propusk_guard_count(g, l, dead, g.lease_until);
    END IF;
    RETURN g;
END $$;

-- answer 0: granted, value its hold or NULL. 1: full. 2: held, value until when. 3: spent.
CREATE FUNCTION propusk_reserve(
    keys BYTEA[], free BIGINT[], hold BIGINT[], longest_hold BIGINT[], allowance BIGINT[], lease BIGINT[],
    idle BIGINT[], now BIGINT, OUT answer BIGINT, OUT value BIGINT
) LANGUAGE plpgsql AS $$
DECLARE
    k BYTEA;
    g guards;
    l guard_limit;
    before guards[] := '{}';
    in_run BIGINT;
    available BIGINT;
BEGIN
    -- All in one order: two callers never wait for one another.
    FOR k IN SELECT DISTINCT unnest(keys) ORDER BY 1 LOOP
        before := before || propusk_guard(k);
    END LOOP;
    answer := 0;
    FOR nth IN 1 .. coalesce(cardinality(keys), 0) LOOP
        l := ROW(free[nth], hold[nth], longest_hold[nth], allowance[nth], lease[nth], idle[nth]);
        SELECT * INTO g FROM guards WHERE key = keys[nth];
        g := propusk_guard_expire(g, l, now);
        in_run := propusk_guard_run(l) - g.refused % propusk_guard_run(l);
        available := least(in_run, l.allowance - g.refused);
        IF g.refused >= l.allowance THEN
            answer := 3;
            value := NULL;
        ELSIF now < g.held_until THEN
            answer := 2;
            value := g.held_until;
        ELSIF g.pending >= available THEN
            answer := 1;
            value := NULL;
        END IF;
        IF answer <> 0 THEN
            -- The keys that granted stay as they were; leases that ran out are refusals from now on.
            PERFORM propusk_guard_put(b) FROM unnest(before) b;
            DELETE FROM guards WHERE key = ANY (keys) AND forget_at = 0;
            IF keys[nth] <> ALL (keys[:nth - 1]) THEN
                PERFORM propusk_guard_put(g);
            END IF;
            RETURN;
        END IF;
        IF g.pending = 0 THEN
            g.lease_until := propusk_after(now, l.lease);
        END IF;
        g.pending := g.pending + 1;
        g.forget_at := propusk_after(now, l.idle);
        IF g.pending = in_run THEN
            value := greatest(value, propusk_guard_hold(l, (g.refused + g.pending) / propusk_guard_run(l)));
        END IF;
        PERFORM propusk_guard_put(g);
    END LOOP;
END $$;

-- how 0: refused. 1: forgiven. 2: reset. 3: clear.
CREATE FUNCTION propusk_settle(
    k BYTEA, how BIGINT, free BIGINT, hold BIGINT, longest_hold BIGINT, allowance BIGINT, lease BIGINT,
    idle BIGINT, at BIGINT
) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    g guards := propusk_guard(k);
    l guard_limit := ROW(free, hold, longest_hold, allowance, lease, idle);
    was_pending BOOLEAN;
BEGIN
    g := propusk_guard_expire(g, l, at);
    g.forget_at := propusk_after(at, idle);
    was_pending := g.pending > 0;
    IF how <> 3 THEN
        g.pending := greatest(g.pending - 1, 0);
    END IF;
    IF how = 0 AND was_pending THEN
        g := propusk_guard_count(g, l, 1, at);
    ELSIF how IN (2, 3) THEN
        g.refused := 0;
        g.held_until := 0;
    END IF;
    PERFORM propusk_guard_put(g);
END $$;

-- The twin of Rate::count, in microseconds; an interval of NULL: none at all. NULL: passed, else how long to wait.
CREATE FUNCTION propusk_pass(keys BYTEA[], intervals BIGINT[], pers BIGINT[], now BIGINT) RETURNS BIGINT
LANGUAGE plpgsql AS $$
DECLARE
    k BYTEA;
    stood BIGINT;
    before BIGINT[] := '{}';
    sorted BYTEA[] := ARRAY(SELECT DISTINCT unnest(keys) ORDER BY 1);
    later BIGINT;
    early BIGINT;
BEGIN
    FOREACH k IN ARRAY sorted LOOP
        LOOP
            SELECT full_at INTO stood FROM throttles WHERE key = k FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO throttles VALUES (k, 0) ON CONFLICT DO NOTHING;
        END LOOP;
        before := before || stood;
    END LOOP;
    FOR nth IN 1 .. coalesce(cardinality(keys), 0) LOOP
        SELECT full_at INTO stood FROM throttles WHERE key = keys[nth];
        later := propusk_after(greatest(now, stood), intervals[nth]);
        early := CASE WHEN intervals[nth] IS NULL THEN pers[nth] ELSE later - now - pers[nth] END;
        IF early > 0 OR intervals[nth] IS NULL THEN
            UPDATE throttles t SET full_at = b.full_at FROM unnest(sorted, before) b (key, full_at) WHERE t.key = b.key;
            DELETE FROM throttles WHERE key = ANY (keys) AND full_at = 0;
            RETURN early;
        END IF;
        UPDATE throttles SET full_at = later WHERE key = keys[nth];
    END LOOP;
    RETURN NULL;
END $$;

-- A name that was given up stays taken until free_at.
ALTER TABLE identifiers ADD COLUMN free_at BIGINT;
CREATE INDEX identifiers_free ON identifiers (free_at) WHERE free_at IS NOT NULL;

-- Events are dropped by their age, those that tell how an account came to be what it is apart from the others.
ALTER TABLE events ADD COLUMN lasting BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE events SET lasting = TRUE WHERE outcome = 0 AND convert_from(name, 'UTF8') NOT IN ('sign-in', 'factor-proven',
    'step-up', 'browser-trusted', 'answered-elsewhere', 'session-refresh', 'sign-out', 'session-ended',
    'browser-forgotten', 'other-sessions-ended', 'notice-undelivered');
-- A node of the version before says nothing of it: what is not known to pass is kept.
ALTER TABLE events ALTER COLUMN lasting SET DEFAULT TRUE;
CREATE INDEX events_old ON events (realm, lasting, at, id);

INSERT INTO propusk_schema (version) VALUES (3);
