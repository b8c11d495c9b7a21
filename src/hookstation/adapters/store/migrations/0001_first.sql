-- before deploy: nothing was there before.
-- The journal, the configuration and the built-in records.

-- One row an event. Ids sort by time, so rows are appended; what is long lies in `payloads`.
CREATE TABLE events (
  id TEXT PRIMARY KEY,
  webhook TEXT NOT NULL,
  state TEXT NOT NULL,
  received_at INTEGER NOT NULL,     -- microseconds since the epoch, UTC, as every time here
  sender TEXT NOT NULL,
  size INTEGER NOT NULL,
  answer_status INTEGER NOT NULL,
  answer_body BLOB NOT NULL,
  error TEXT NOT NULL,
  reason TEXT NOT NULL,
  connection TEXT NOT NULL,
  entity TEXT NOT NULL,
  record_key TEXT NOT NULL,
  run_id TEXT NOT NULL,
  settled_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  timings TEXT NOT NULL,            -- JSON, nanoseconds per stage
  query TEXT NOT NULL,
  payload_no INTEGER NOT NULL,
  dedup_key TEXT,                   -- NULL where the call had none
  body_digest BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_webhook ON events (webhook, state, id);
CREATE INDEX events_by_state ON events (state, id);
CREATE INDEX events_by_run ON events (run_id) WHERE run_id <> '';
CREATE INDEX events_by_record ON events (connection, entity, record_key)
  WHERE record_key <> '' AND connection <> 'records';

CREATE TABLE payloads (
  no INTEGER PRIMARY KEY,
  headers TEXT NOT NULL,            -- JSON, masked; before the body, so that reading them leaves it alone
  body BLOB
) STRICT;

-- A dedup mark is only who holds the key: state and answer are those of its event.
CREATE TABLE marks (
  digest BLOB PRIMARY KEY,          -- beginning and hash of webhook and key: in the order of keys that have one
  event_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is to be done after the request, by whoever leases it. Of a key one job is ready or leased, the rest behind it.
CREATE TABLE jobs (
  queue TEXT NOT NULL,
  id TEXT NOT NULL,
  key TEXT NOT NULL,                -- empty: none
  state TEXT NOT NULL,              -- ready, behind or leased
  priority INTEGER NOT NULL,        -- 0 is the most urgent
  due_at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  turn BLOB,
  node TEXT NOT NULL,               -- who holds it, empty where nobody does
  token INTEGER NOT NULL,           -- greater with each lease
  until INTEGER NOT NULL,           -- when its lease is over
  payload TEXT NOT NULL,            -- last, so that the rest is read without it
  PRIMARY KEY (queue, id)
) STRICT;
CREATE INDEX jobs_ready ON jobs (queue, priority, due_at, id) WHERE state = 'ready';
CREATE INDEX jobs_by_key ON jobs (queue, key, id) WHERE key <> '';
CREATE INDEX jobs_heads ON jobs (queue, key) WHERE key <> '' AND state <> 'behind';
CREATE INDEX jobs_leased ON jobs (node) WHERE state = 'leased';
CREATE UNIQUE INDEX jobs_turns ON jobs (turn) WHERE turn IS NOT NULL;

-- By which words events are found: filled beside the lane. `no` is in the order of ids; `searched` says up to which
-- event it is filled. Merging is done in small parts by whoever fills it.
CREATE TABLE search (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
CREATE VIRTUAL TABLE search_words USING fts5 (
  words, content = '', contentless_delete = 1, detail = column, tokenize = 'ascii'
);
INSERT INTO search_words (search_words, rank) VALUES ('automerge', 0), ('crisismerge', 1000);
CREATE TABLE searched (newest TEXT NOT NULL, surely TEXT NOT NULL) STRICT;
INSERT INTO searched VALUES ('', '');

-- Attempts before the last one; the last one is read off its event.
CREATE TABLE attempts (
  event_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  error TEXT NOT NULL,
  record_key TEXT NOT NULL,
  PRIMARY KEY (event_id, number)
) STRICT, WITHOUT ROWID;

-- What the built-in records database holds: `last` is the newest number given, never given again.
CREATE TABLE entities (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  last INTEGER NOT NULL,
  records INTEGER NOT NULL
) STRICT;

-- id = entity × 2^40 + number, so that an entity's records lie together in the order of writing.
CREATE TABLE records (
  id INTEGER PRIMARY KEY,
  entity INTEGER NOT NULL,
  party TEXT NOT NULL,
  ordinal INTEGER,                  -- NULL: the number is the key; 0: the party is; else party|ordinal
  fields TEXT NOT NULL,             -- JSON, numbers with the sender's digits
  event_id TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_by_instance ON records (entity, party, ordinal) WHERE ordinal IS NOT NULL;

-- Numbers that nobody has to count: `rejected` events and `body_bytes` in the journal, the configuration's `revision`.
CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO totals VALUES ('rejected', 0), ('body_bytes', 0), ('revision', 0), ('checks', 0);

CREATE TABLE webhooks (
  name TEXT PRIMARY KEY,
  token TEXT NOT NULL,              -- sealed
  document TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE connections (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE panels (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE specs (connection TEXT, entity TEXT, document TEXT NOT NULL, PRIMARY KEY (connection, entity)) STRICT;
CREATE TABLE keys (name TEXT PRIMARY KEY, role TEXT NOT NULL, digest TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- People who sign in. An account is the e-mail address, its letters in one case; digests are SHA-256 in hexadecimal.
CREATE TABLE users (
  account TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  role TEXT NOT NULL,
  password TEXT NOT NULL,           -- Argon2id, empty: none set
  disabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
  digest TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE TABLE links (
  digest TEXT PRIMARY KEY,
  account TEXT NOT NULL,            -- whose password it sets, empty: it makes the first user
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tries (key TEXT PRIMARY KEY, count INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Roll-ups of calls (core/tallies.py): span 0 all time, 1 an hour, 2 a minute; counts are JSON, name -> number.
CREATE TABLE tallies (
  webhook TEXT NOT NULL,            -- empty: all together
  span INTEGER NOT NULL,
  at INTEGER NOT NULL,
  slot INTEGER NOT NULL,            -- who writes it: here always 0
  counts TEXT NOT NULL,
  PRIMARY KEY (webhook, span, at, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX tallies_by_time ON tallies (span, at, webhook);
CREATE TABLE tellers (node TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- What was noticed, and what is remembered of each webhook for noticing.
CREATE TABLE findings (
  id TEXT PRIMARY KEY,
  signal TEXT NOT NULL,             -- JSON
  since INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,       -- 0: it is still so
  dismissed_by TEXT NOT NULL,
  dismissed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_open ON findings (id) WHERE closed_at = 0;
CREATE TABLE learned (webhook TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- One row a saved change of a webhook; its newest published one is what is live. Secrets are sealed.
CREATE TABLE versions (
  webhook TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  author TEXT NOT NULL,
  note TEXT NOT NULL,
  state TEXT NOT NULL,              -- draft, published or discarded
  document TEXT NOT NULL,           -- last, so that the rest is read without it
  PRIMARY KEY (webhook, number)
) STRICT;
-- Who has a webhook open.
CREATE TABLE editors (
  webhook TEXT NOT NULL,
  who TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (webhook, who)
) STRICT, WITHOUT ROWID;

-- URLs that listen for a while, and what they heard.
CREATE TABLE captures (
  id TEXT PRIMARY KEY,
  token TEXT NOT NULL,              -- sealed
  author TEXT NOT NULL,
  webhook TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  status INTEGER NOT NULL,          -- of the answer that callers get
  calls INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE captured_calls (
  capture TEXT NOT NULL,
  number INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  sender TEXT NOT NULL,
  headers TEXT NOT NULL,            -- JSON, masked
  query TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (capture, number)
) STRICT;

-- For a person with a SQL tool.
CREATE VIEW activities AS
  SELECT id - entity * 1099511627776 AS SEQN, party AS ID,
         json_extract(fields, '$.ACTIVITY_TYPE') AS ACTIVITY_TYPE,
         json_extract(fields, '$.TRANSACTION_DATE') AS TRANSACTION_DATE,
         json_extract(fields, '$.DESCRIPTION') AS DESCRIPTION,
         fields, event_id
  FROM records WHERE entity = (SELECT number FROM entities WHERE name = 'Activity');
