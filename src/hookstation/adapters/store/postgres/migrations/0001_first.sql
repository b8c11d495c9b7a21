-- before deploy: nothing was there before.
-- The journal, the configuration and the built-in records.

-- One row an event, in partitions of a week by the time that its id begins with. Long values go out of line by themselves.
CREATE TABLE events (
  id text COLLATE "C" PRIMARY KEY,
  webhook text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  received_at bigint NOT NULL,      -- microseconds since the epoch, UTC, as every time here
  sender text NOT NULL,
  size bigint NOT NULL,
  answer_status integer NOT NULL,
  answer_body bytea NOT NULL,
  error text NOT NULL,
  reason text NOT NULL,
  connection text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  record_key text COLLATE "C" NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  settled_at bigint NOT NULL,
  started_at bigint NOT NULL,
  attempts integer NOT NULL,
  timings text NOT NULL,            -- JSON, nanoseconds per stage
  headers text NOT NULL,            -- JSON, masked
  query text NOT NULL,
  dedup_key text,                   -- NULL where the call had none
  body_digest bytea,
  body bytea
) PARTITION BY RANGE (id);
CREATE INDEX events_by_webhook ON events (webhook, state, id);
CREATE INDEX events_by_state ON events (state, id);
CREATE INDEX events_by_run ON events (run_id) WHERE run_id <> '';
CREATE INDEX events_by_record ON events (connection, entity, record_key)
  WHERE record_key <> '' AND connection <> 'records';

-- A dedup mark is only who holds the key: state and answer are those of its event. A key lives across partitions.
CREATE TABLE marks (
  digest bytea PRIMARY KEY,         -- beginning and hash of webhook and key: in the order of keys that have one
  event_id text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX marks_by_event ON marks USING brin (event_id) WITH (pages_per_range = 16, autosummarize = on);

-- What has to be done, and who does it. Of a key one job at most is in front (ready or leased), the others are behind.
CREATE TABLE jobs (
  queue text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,    -- empty: none
  state smallint NOT NULL,          -- 0 ready, 1 behind, 2 leased
  priority smallint NOT NULL,
  due_at bigint NOT NULL,
  tries integer NOT NULL,
  payload text NOT NULL,
  turn bytea,                       -- NULL: none
  node text COLLATE "C" NOT NULL,   -- who holds it, empty: nobody
  token bigint NOT NULL,
  until bigint NOT NULL,
  call bigint NOT NULL,             -- what was asked when it was leased, to find it again where the answer is lost
  PRIMARY KEY (queue, id)
) WITH (
  fillfactor = 70, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 1
);
CREATE INDEX jobs_ready ON jobs (queue, priority, due_at, id) WHERE state = 0;
CREATE INDEX jobs_in_front ON jobs (queue, key, id) WHERE key <> '' AND state <> 1;
CREATE INDEX jobs_behind ON jobs (queue, key, id) WHERE key <> '' AND state = 1;
CREATE INDEX jobs_by_holder ON jobs (node, until) WHERE state = 2;
CREATE UNIQUE INDEX jobs_by_turn ON jobs (turn) WHERE turn IS NOT NULL;

-- Who works on this database now.
CREATE TABLE nodes (
  id text COLLATE "C" PRIMARY KEY,
  role text NOT NULL,
  address text NOT NULL,
  version text NOT NULL,
  started_at bigint NOT NULL,
  seen_at bigint NOT NULL
) WITH (fillfactor = 50);

-- By which words events are found: filled beside the lane; `searched` says up to which event.
CREATE TABLE search (event_id text COLLATE "C" PRIMARY KEY, words tsvector NOT NULL);
CREATE INDEX search_by_word ON search USING gin (words);
CREATE TABLE searched (newest text COLLATE "C" NOT NULL, surely text COLLATE "C" NOT NULL);
INSERT INTO searched VALUES ('', '');

-- Attempts before the last one; the last one is read off its event.
CREATE TABLE attempts (
  event_id text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  started_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  state text NOT NULL,
  error text NOT NULL,
  record_key text NOT NULL,
  PRIMARY KEY (event_id, number)
);

-- What the built-in records database holds. Each entity has a sequence record_numbers_N, and numbers that are never
-- given again.
CREATE TABLE entities (
  number integer PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE records (
  entity integer NOT NULL,
  number bigint NOT NULL,
  party text COLLATE "C" NOT NULL,
  ordinal integer,                  -- NULL: the number is the key; 0: the party is; else party|ordinal
  fields json NOT NULL,             -- as text: numbers keep the sender's digits
  event_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, number)
);
CREATE UNIQUE INDEX records_by_instance ON records (entity, party, ordinal) WHERE ordinal IS NOT NULL;

-- The same for every way to write the same value; values that differ may share it, so whoever finds by it compares again.
CREATE FUNCTION match_hash(fields json, name text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(hashtextextended(CASE json_typeof(fields -> name)
    WHEN 'number' THEN trim_scale((fields ->> name)::numeric)::text ELSE fields ->> name END, 0), 0)
$$;

-- Numbers that nobody has to count. A flusher adds to the rows of its own slot, so that no two wait for each other:
-- `rejected` events and `body_bytes` in the journal, `records:N` of an entity, `checks`.
CREATE TABLE totals (
  name text COLLATE "C" NOT NULL,
  slot integer NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (name, slot)
) WITH (fillfactor = 50);

CREATE TABLE revision (value bigint NOT NULL);
INSERT INTO revision VALUES (0);
CREATE TABLE webhooks (
  name text COLLATE "C" PRIMARY KEY,
  token text NOT NULL,              -- sealed
  document text NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE TABLE connections (name text COLLATE "C" PRIMARY KEY, document text NOT NULL);
CREATE TABLE panels (name text COLLATE "C" PRIMARY KEY, document text NOT NULL);
CREATE TABLE specs (
  connection text COLLATE "C", entity text COLLATE "C", document text NOT NULL, PRIMARY KEY (connection, entity)
);
CREATE TABLE keys (
  name text COLLATE "C" PRIMARY KEY, role text NOT NULL, digest text NOT NULL, created_at bigint NOT NULL
);
CREATE TABLE facts (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);

-- People who sign in. An account is the e-mail address, its letters in one case; digests are SHA-256 in hexadecimal.
CREATE TABLE users (
  account text COLLATE "C" PRIMARY KEY,
  email text NOT NULL,
  role text NOT NULL,
  password text NOT NULL,           -- Argon2id, empty: none set
  disabled smallint NOT NULL,
  created_at bigint NOT NULL,
  changed_at bigint NOT NULL
);
CREATE TABLE sessions (
  digest text COLLATE "C" PRIMARY KEY,
  account text COLLATE "C" NOT NULL,
  address text NOT NULL,
  agent text NOT NULL,
  opened_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  until bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE TABLE links (
  digest text COLLATE "C" PRIMARY KEY,
  account text COLLATE "C" NOT NULL,  -- whose password it sets, empty: it makes the first user
  until bigint NOT NULL
);
CREATE TABLE tries (key text COLLATE "C" PRIMARY KEY, count bigint NOT NULL, last_at bigint NOT NULL)
  WITH (fillfactor = 70);

-- Roll-ups of calls (core/tallies.py): span 0 all time, 1 an hour, 2 a minute; counts are JSON, name -> number. A
-- process adds to the rows of its own slot, so that no two wait for each other; they are added up when read.
CREATE TABLE tallies (
  webhook text COLLATE "C" NOT NULL, -- empty: all together
  span smallint NOT NULL,
  at bigint NOT NULL,
  slot integer NOT NULL,
  counts text NOT NULL,
  PRIMARY KEY (webhook, span, at, slot)
) WITH (fillfactor = 50);
CREATE INDEX tallies_by_time ON tallies (span, at, webhook);
CREATE TABLE tellers (node text COLLATE "C" PRIMARY KEY, until bigint NOT NULL) WITH (fillfactor = 50);

-- What was noticed, and what is remembered of each webhook for noticing.
CREATE TABLE findings (
  id text COLLATE "C" PRIMARY KEY,
  signal text NOT NULL,             -- JSON
  since bigint NOT NULL,
  seen_at bigint NOT NULL,
  closed_at bigint NOT NULL,        -- 0: it is still so
  dismissed_by text NOT NULL,
  dismissed_at bigint NOT NULL
);
CREATE INDEX findings_open ON findings (id) WHERE closed_at = 0;
CREATE TABLE learned (webhook text COLLATE "C" PRIMARY KEY, document text NOT NULL);

-- One row a saved change of a webhook; its newest published one is what is live. Secrets are sealed.
CREATE TABLE versions (
  webhook text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  author text NOT NULL,
  note text NOT NULL,
  state text NOT NULL,              -- draft, published or discarded
  document text NOT NULL,
  PRIMARY KEY (webhook, number)
);
-- Who has a webhook open.
CREATE TABLE editors (
  webhook text COLLATE "C" NOT NULL,
  who text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (webhook, who)
) WITH (fillfactor = 70);

-- URLs that listen for a while, and what they heard.
CREATE TABLE captures (
  id text COLLATE "C" PRIMARY KEY,
  token text NOT NULL,              -- sealed
  author text NOT NULL,
  webhook text COLLATE "C" NOT NULL,
  opened_at bigint NOT NULL,
  until bigint NOT NULL,
  status integer NOT NULL,          -- of the answer that callers get
  calls integer NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE captured_calls (
  capture text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  received_at bigint NOT NULL,
  sender text NOT NULL,
  headers text NOT NULL,            -- JSON, masked
  query text NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (capture, number)
);

-- For a person with a SQL tool.
CREATE VIEW activities AS
  SELECT number AS "SEQN", party AS "ID",
         fields ->> 'ACTIVITY_TYPE' AS "ACTIVITY_TYPE",
         fields ->> 'TRANSACTION_DATE' AS "TRANSACTION_DATE",
         fields ->> 'DESCRIPTION' AS "DESCRIPTION",
         fields, event_id
  FROM records WHERE entity = (SELECT number FROM entities WHERE name = 'Activity');
