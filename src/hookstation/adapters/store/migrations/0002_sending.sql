-- before deploy: the running program writes jobs without a lane, and knows nothing of the other tables.
-- Lanes of jobs, and what goes out: events, deliveries, their attempts, and how destinations stand.

CREATE TABLE laned_jobs (
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
  lane TEXT NOT NULL DEFAULT '',    -- jobs are leased lane by lane; empty: the one without a name
  payload TEXT NOT NULL,            -- last, so that the rest is read without it
  PRIMARY KEY (queue, id)
) STRICT;
INSERT INTO laned_jobs (queue, id, key, state, priority, due_at, tries, turn, node, token, until, payload)
  SELECT queue, id, key, state, priority, due_at, tries, turn, node, token, until, payload FROM jobs;
DROP TABLE jobs;
ALTER TABLE laned_jobs RENAME TO jobs;
CREATE INDEX jobs_ready ON jobs (queue, lane, priority, due_at, id) WHERE state = 'ready';
CREATE INDEX jobs_by_key ON jobs (queue, key, id) WHERE key <> '';
CREATE INDEX jobs_waiting ON jobs (queue, key) WHERE key <> '' AND lane = '';
CREATE INDEX jobs_heads ON jobs (queue, key) WHERE key <> '' AND state <> 'behind';
CREATE INDEX jobs_leased ON jobs (queue, lane, node) WHERE state = 'leased';
CREATE UNIQUE INDEX jobs_turns ON jobs (turn) WHERE turn IS NOT NULL;

CREATE TABLE destinations (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE subscriptions (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE destination_states (
  name TEXT PRIMARY KEY,
  health TEXT NOT NULL,             -- good, slowed, open, gone or given_up
  until INTEGER NOT NULL,
  opened INTEGER NOT NULL,          -- how often in a row its breaker has opened
  failing_since INTEGER NOT NULL,   -- 0: its last attempt did not fail
  changed_at INTEGER NOT NULL,
  why TEXT NOT NULL,
  revision INTEGER NOT NULL         -- grows by one with each change
) STRICT;

-- Events out never change. Ids sort by time, also those of deliveries.
CREATE TABLE events_out (
  id TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  source TEXT NOT NULL,             -- the event of the journal that caused it, empty: none
  key TEXT NOT NULL,                -- the idempotency key of whoever raised it, empty: none
  hops INTEGER NOT NULL DEFAULT 0,  -- so many deliveries led to it
  payload TEXT NOT NULL             -- JSON as it came; last, so that the rest is read without it
) STRICT;
CREATE INDEX events_out_by_type ON events_out (type, id);
CREATE UNIQUE INDEX events_out_by_key ON events_out (key) WHERE key <> '';

-- One row a delivery. A waiting one has a job in the queue of deliveries, which says when it is due.
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,               -- its event's
  subscription TEXT NOT NULL,
  destination TEXT NOT NULL,
  key TEXT NOT NULL,                -- its order key, empty: none
  state TEXT NOT NULL,              -- waiting, delivered, dead or cancelled
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  status INTEGER NOT NULL,          -- of the last attempt, as trouble and error are
  trouble TEXT NOT NULL,
  error TEXT NOT NULL,
  ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_state ON deliveries (state, id);
CREATE INDEX deliveries_by_destination ON deliveries (destination, state, id);
CREATE INDEX deliveries_by_subscription ON deliveries (subscription, state, id);
CREATE INDEX deliveries_by_type ON deliveries (type, state, id);
CREATE INDEX deliveries_by_event ON deliveries (event_id, id);
CREATE INDEX deliveries_by_trouble ON deliveries (trouble, state, id) WHERE trouble <> '';

-- Attempts as they are shown: secrets masked, answers cut. Headers are JSON, a list of pairs; times are microseconds.
CREATE TABLE delivery_attempts (
  delivery_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  status INTEGER NOT NULL,          -- 0: no answer came
  answer_headers TEXT NOT NULL,
  answer BLOB NOT NULL,
  cut INTEGER NOT NULL,             -- 1: the answer was longer than is kept
  dns INTEGER NOT NULL,             -- -1: not reached or not needed, as the next four
  connect INTEGER NOT NULL,
  tls INTEGER NOT NULL,
  first_byte INTEGER NOT NULL,
  total INTEGER NOT NULL,
  trouble TEXT NOT NULL,
  error TEXT NOT NULL,
  node TEXT NOT NULL,
  PRIMARY KEY (delivery_id, number)
) STRICT;

-- Roll-ups of what ended in an hour; `took`: microseconds of all attempts.
CREATE TABLE delivery_figures (
  destination TEXT NOT NULL,
  hour INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  took INTEGER NOT NULL,
  PRIMARY KEY (destination, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_figures_by_hour ON delivery_figures (hour, destination);
