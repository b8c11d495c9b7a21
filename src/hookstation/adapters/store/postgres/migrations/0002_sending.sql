-- before deploy: a program that knows no lanes writes its jobs into the one without a name; it leases slower meanwhile.
-- Jobs in lanes, and what goes out: destinations, subscriptions, events, deliveries and their attempts.

ALTER TABLE jobs ADD COLUMN lane text COLLATE "C" NOT NULL DEFAULT '';
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (queue, lane, priority, due_at, id) WHERE state = 0;
CREATE INDEX jobs_leased ON jobs (queue, lane) WHERE state = 2 AND lane <> '';
CREATE INDEX jobs_held ON jobs (queue, key) WHERE key <> '' AND lane = '';

-- How many jobs of a lane are leased, counted up to so many. Each call of it sees what was committed until then, which
-- the statement that calls it does not: whoever holds the lane's lock knows with it how much room there is.
CREATE FUNCTION leased_in_lane(asked_queue text, asked_lane text, most integer) RETURNS integer
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF asked_lane = '' THEN
    RETURN (SELECT count(*) FROM (
      SELECT FROM jobs WHERE queue = asked_queue AND lane = '' AND state = 2 LIMIT most) counted);
  END IF;
  RETURN (SELECT count(*) FROM (
    SELECT FROM jobs WHERE queue = asked_queue AND lane = asked_lane AND lane <> '' AND state = 2 LIMIT most) counted);
END $$;

CREATE TABLE destinations (name text COLLATE "C" PRIMARY KEY, document text NOT NULL);
CREATE TABLE subscriptions (name text COLLATE "C" PRIMARY KEY, document text NOT NULL);

-- What happened, for those who want to be told; it never changes. No partitions here nor below: what a destination has
-- not got yet may be as old as it likes, so that no span of time can be dropped. It goes in small steps.
CREATE TABLE events_out (
  id text COLLATE "C" PRIMARY KEY,
  type text COLLATE "C" NOT NULL,
  occurred_at bigint NOT NULL,
  source text COLLATE "C" NOT NULL, -- the event that caused it, empty: none
  key text COLLATE "C" NOT NULL,    -- the idempotency key of whoever raised it, empty: none
  hops integer NOT NULL DEFAULT 0,  -- so many deliveries led to it
  payload text NOT NULL,            -- JSON, as it came
  bare boolean NOT NULL DEFAULT true -- false where it is known to have deliveries: pruning need not look at it
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX events_out_by_type ON events_out (type, id);
CREATE UNIQUE INDEX events_out_by_key ON events_out (key) WHERE key <> '';
CREATE INDEX events_out_bare ON events_out (id) WHERE bare;

-- One row an event and subscription that wants it. A waiting one has a job with its id, whose lane is the destination.
-- Every list is a walk along one of these indexes, from its newest end.
CREATE TABLE deliveries (
  id text COLLATE "C" PRIMARY KEY,
  event_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  subscription text COLLATE "C" NOT NULL,
  destination text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,    -- empty: no order
  state text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  attempts integer NOT NULL,
  status integer NOT NULL,          -- of the last attempt, as trouble and error are
  trouble text COLLATE "C" NOT NULL,
  error text NOT NULL,
  ended_at bigint NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX deliveries_by_state ON deliveries (state, id);
CREATE INDEX deliveries_by_destination ON deliveries (destination, state, id);
CREATE INDEX deliveries_by_subscription ON deliveries (subscription, state, id);
CREATE INDEX deliveries_by_type ON deliveries (type, state, id);
CREATE INDEX deliveries_by_trouble ON deliveries (trouble, state, id) WHERE trouble <> '';
CREATE INDEX deliveries_by_event ON deliveries (event_id, id);

-- One row a try: what was sent, secrets masked, and what came back, capped.
CREATE TABLE delivery_attempts (
  delivery_id text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  started_at bigint NOT NULL,
  method text NOT NULL,
  url text NOT NULL,
  headers text NOT NULL,            -- JSON, pairs
  body bytea NOT NULL,
  status integer NOT NULL,          -- 0: no answer came
  answer_headers text NOT NULL,     -- JSON, pairs
  answer bytea NOT NULL,
  cut smallint NOT NULL,            -- 1: the answer was longer than is kept
  dns bigint NOT NULL,              -- microseconds, as the next four; -1: not needed or not reached
  connect bigint NOT NULL,
  tls bigint NOT NULL,
  first_byte bigint NOT NULL,
  total bigint NOT NULL,
  trouble text COLLATE "C" NOT NULL,
  error text NOT NULL,
  node text COLLATE "C" NOT NULL,
  PRIMARY KEY (delivery_id, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- What became of a destination's deliveries, by the hour. A process adds to the row of its own slot; few slots, so that
-- the rows of an hour stay few.
CREATE TABLE delivery_figures (
  destination text COLLATE "C" NOT NULL,
  hour bigint NOT NULL,
  slot integer NOT NULL DEFAULT 0,
  delivered bigint NOT NULL,
  failed bigint NOT NULL,
  dead bigint NOT NULL,
  took bigint NOT NULL,             -- microseconds, of all attempts
  PRIMARY KEY (destination, hour, slot)
) WITH (fillfactor = 50);
CREATE INDEX delivery_figures_by_hour ON delivery_figures (hour);

-- How destinations stand by themselves. A node that writes the next revision knew the one before.
CREATE TABLE destination_states (
  name text COLLATE "C" PRIMARY KEY,
  health text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  opened integer NOT NULL,
  failing_since bigint NOT NULL,
  changed_at bigint NOT NULL,
  why text NOT NULL,
  revision bigint NOT NULL
) WITH (fillfactor = 50);
