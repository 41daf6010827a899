PRAGMA application_id = 1886548075;
PRAGMA user_version = 3;
CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, version INTEGER NOT NULL, state INTEGER NOT NULL,
    realm TEXT NOT NULL, route BLOB NOT NULL, created INTEGER NOT NULL, data_key BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE browsers (
    account BLOB NOT NULL, id BLOB NOT NULL UNIQUE, key BLOB NOT NULL UNIQUE, seen INTEGER NOT NULL,
    expires INTEGER NOT NULL, PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX browsers_over ON browsers (expires);
CREATE TABLE canaries (realm TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE contacts (
    account BLOB NOT NULL, id BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, confirmed INTEGER NOT NULL,
    sealed BLOB NOT NULL, PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE credentials (
    account BLOB NOT NULL, id BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, factor TEXT NOT NULL,
    created INTEGER NOT NULL, lookups BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    id BLOB NOT NULL PRIMARY KEY, account BLOB, at INTEGER NOT NULL, outcome INTEGER NOT NULL,
    realm TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL
, lasting INTEGER NOT NULL DEFAULT 1) STRICT, WITHOUT ROWID;
CREATE INDEX events_of ON events (account, id, at, outcome) WHERE account IS NOT NULL;
CREATE INDEX events_old ON events (realm, lasting, at);
CREATE TABLE flows (
    key BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, expires INTEGER NOT NULL, sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX flows_over ON flows (expires);
CREATE TABLE guards (
    key BLOB NOT NULL PRIMARY KEY, refused INTEGER NOT NULL, pending INTEGER NOT NULL,
    lease_until INTEGER NOT NULL, held_until INTEGER NOT NULL, forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guards_over ON guards (forget_at);
CREATE TABLE handles (
    lookup BLOB NOT NULL PRIMARY KEY, account BLOB NOT NULL, credential BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE identifiers (
    account BLOB NOT NULL, lookup BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL, free_at INTEGER, PRIMARY KEY (account, lookup)
) STRICT, WITHOUT ROWID;
CREATE INDEX identifiers_free ON identifiers (free_at) WHERE free_at IS NOT NULL;
CREATE TABLE messages (
    id BLOB NOT NULL PRIMARY KEY, realm TEXT NOT NULL, account BLOB, deliver INTEGER NOT NULL,
    due INTEGER NOT NULL, ready INTEGER NOT NULL, attempts INTEGER NOT NULL, over INTEGER, delivered INTEGER,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_due ON messages (realm, due) WHERE over IS NULL;
CREATE INDEX messages_over ON messages (over) WHERE over IS NOT NULL;
CREATE TABLE once (key BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX once_over ON once (until);
CREATE TABLE sessions (
    key BLOB NOT NULL PRIMARY KEY, account BLOB NOT NULL, id BLOB NOT NULL, epoch INTEGER NOT NULL,
    created INTEGER NOT NULL, seen INTEGER NOT NULL, idle_secs INTEGER NOT NULL, expires INTEGER NOT NULL,
    proofs BLOB NOT NULL, UNIQUE (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_over ON sessions (min(expires, seen + idle_secs * 1000));
CREATE TABLE throttles (key BLOB NOT NULL PRIMARY KEY, full_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_over ON throttles (full_at);
