-- before deploy: the running program knows nothing of these tables.
-- Workflows with their versions, runs with their history, and what schedules, polls and transfers keep.

-- Documents of workflows, schedules, polls and transfers.
CREATE TABLE things (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT;

-- One row a saved change of a workflow. Numbers go on where a workflow was removed: `workflow_numbers` has the last one.
CREATE TABLE workflow_versions (
  name TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  author TEXT NOT NULL,
  note TEXT NOT NULL,
  document TEXT NOT NULL,           -- last, so that the rest is read without it
  PRIMARY KEY (name, number)
) STRICT;
CREATE TABLE workflow_numbers (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- One row a run. Ids sort by time, so rows are appended; what is long lies in `run_texts`. One that is not at its end
-- has a job in the queue of runs, which says when it goes on.
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  workflow TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,              -- queued, running, waiting, unknown, succeeded, failed or cancelled
  began_by TEXT NOT NULL,           -- webhook:courses, schedule:nightly, manual:ada ...
  created_at INTEGER NOT NULL,
  key TEXT NOT NULL,                -- its concurrency key, empty: none
  event_id TEXT NOT NULL,           -- the event of the journal that it finishes, empty: none
  parent TEXT NOT NULL,
  parent_path TEXT NOT NULL,
  source TEXT NOT NULL,             -- the run that it does again
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  error TEXT NOT NULL,
  hops INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_workflow ON runs (workflow, state, id, version);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_by_beginning ON runs (began_by, id);
CREATE INDEX runs_by_parent ON runs (parent, id) WHERE parent <> '';
CREATE INDEX runs_by_source ON runs (source, id) WHERE source <> '';
CREATE INDEX runs_ended ON runs (ended_at, id, workflow, state) WHERE ended_at > 0;

-- What triggered a run and what it put out, as JSON; short ones first, so that they are read without the long ones.
CREATE TABLE run_texts (
  run_id TEXT PRIMARY KEY,
  answer TEXT NOT NULL,
  facts TEXT NOT NULL,
  output TEXT NOT NULL,
  input TEXT NOT NULL
) STRICT;

-- One row a try of a step; of a path the greatest attempt counts. `number` is in the order of writing, within a run.
CREATE TABLE run_entries (
  run_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  path TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL,              -- started, waiting, done, skipped, failed, unknown or cancelled
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  fault TEXT NOT NULL,
  error TEXT NOT NULL,
  detail TEXT NOT NULL,             -- JSON, as the next two
  input TEXT NOT NULL,
  output TEXT NOT NULL,
  PRIMARY KEY (run_id, path, attempt)
) STRICT;
CREATE UNIQUE INDEX run_entries_in_order ON run_entries (run_id, number);

-- What came for a run; of one path the first one counts.
CREATE TABLE run_signals (
  run_id TEXT NOT NULL,
  path TEXT NOT NULL,
  at INTEGER NOT NULL,
  payload TEXT NOT NULL,            -- JSON
  who TEXT NOT NULL,
  PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

-- Steps that wait for somebody outside.
CREATE TABLE run_waits (
  run_id TEXT NOT NULL,
  path TEXT NOT NULL,
  kind TEXT NOT NULL,               -- call or approval
  digest BLOB NOT NULL,             -- SHA-256 of the one-time token
  expires_at INTEGER NOT NULL,
  person TEXT NOT NULL,             -- who may approve
  title TEXT NOT NULL,
  PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_waits_by_digest ON run_waits (digest);
CREATE INDEX run_waits_for_people ON run_waits (run_id, path, person) WHERE kind = 'approval';

-- Small values that work keeps from one turn to the next.
CREATE TABLE kept (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, name, key)
) STRICT, WITHOUT ROWID;

-- Hashes of the rows that deltas saw: those that count, and those of runs that are not at their end.
CREATE TABLE row_hashes (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE pending_hashes (
  run_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (run_id, owner, key)
) STRICT, WITHOUT ROWID;

-- How schedules, polls and transfers stand.
CREATE TABLE standings (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  failures INTEGER NOT NULL,        -- in a row
  succeeded_at INTEGER NOT NULL,
  failed_at INTEGER NOT NULL,
  off INTEGER NOT NULL,             -- 1: it was switched off for its failures
  why TEXT NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
