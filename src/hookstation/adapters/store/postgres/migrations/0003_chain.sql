-- before deploy: the running program knows nothing of these tables.
-- Workflows and what begins them, their runs, and what these keep.

-- Documents: workflows, schedules, polls, transfers.
CREATE TABLE things (
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  document text NOT NULL,
  PRIMARY KEY (kind, name)
);

-- One row a saved change of a workflow; the newest one is what is live. Numbers go on where a name is used again.
CREATE TABLE workflow_versions (
  name text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  author text NOT NULL,
  note text NOT NULL,
  document text NOT NULL,
  PRIMARY KEY (name, number)
);
CREATE TABLE workflow_numbers (name text COLLATE "C" PRIMARY KEY, last bigint NOT NULL);

-- One row a run. An open one has a job with its id, whose lane is the workflow. No partitions: what waits may be as old
-- as it likes. Every list is a walk along one of these indexes, from its newest end.
CREATE TABLE runs (
  id text COLLATE "C" PRIMARY KEY,
  workflow text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  trigger text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  input text NOT NULL,              -- JSON, as facts, output and answer
  facts text NOT NULL,
  key text COLLATE "C" NOT NULL,    -- empty: in any order
  event_id text COLLATE "C" NOT NULL, -- the journal's event that ends with it, empty: none
  parent text COLLATE "C" NOT NULL, -- the run that waits for its end, empty: none
  parent_path text NOT NULL,
  source text COLLATE "C" NOT NULL, -- the run that it does again, empty: none
  started_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  due_at bigint NOT NULL,
  error text NOT NULL,
  output text NOT NULL,
  answer text NOT NULL,
  hops integer NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX runs_by_workflow ON runs (workflow, state, id);
CREATE INDEX runs_by_trigger ON runs (trigger, id);
CREATE INDEX runs_by_parent ON runs (parent, id) WHERE parent <> '';
CREATE INDEX runs_by_source ON runs (source, id) WHERE source <> '';
CREATE INDEX runs_by_end ON runs (workflow, state, ended_at, id) WHERE ended_at > 0;

-- One row a try of a step.
CREATE TABLE run_entries (
  run_id text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  number bigint NOT NULL,           -- grows within the run
  state text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  input text NOT NULL,
  output text NOT NULL,
  error text NOT NULL,
  fault text NOT NULL,
  due_at bigint NOT NULL,
  detail text NOT NULL,
  PRIMARY KEY (run_id, path, attempt)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX run_entries_by_number ON run_entries (run_id, number);

-- What came for a step that waits; of one path the first counts.
CREATE TABLE run_signals (
  run_id text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  payload text NOT NULL,            -- JSON
  who text NOT NULL,
  PRIMARY KEY (run_id, path)
);

-- Steps that wait for somebody outside.
CREATE TABLE run_waits (
  run_id text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,   -- call or approval
  digest bytea NOT NULL,            -- SHA-256 of the one-time token
  expires_at bigint NOT NULL,
  person text COLLATE "C" NOT NULL,
  title text NOT NULL,
  PRIMARY KEY (run_id, path)
);
CREATE INDEX run_waits_by_digest ON run_waits (digest);
CREATE INDEX run_waits_for_people ON run_waits (run_id, path) WHERE kind = 'approval';

-- Small values that a thing keeps, and how it stands.
CREATE TABLE kept (
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (kind, name, key)
) WITH (fillfactor = 70);
CREATE TABLE standings (
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  failures bigint NOT NULL,
  succeeded_at bigint NOT NULL,
  failed_at bigint NOT NULL,
  "off" smallint NOT NULL,
  why text NOT NULL,
  PRIMARY KEY (kind, name)
) WITH (fillfactor = 50);

-- Hashes of rows that a delta saw: those that count, and those of runs. The latter count as soon as their run has
-- succeeded, since so many are never moved at its end; they are brought over little by little.
CREATE TABLE row_hashes (
  owner text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (owner, key)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE pending_hashes (
  run_id text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (run_id, owner, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX pending_hashes_by_key ON pending_hashes (owner, key, run_id);
