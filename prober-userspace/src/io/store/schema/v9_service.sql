-- Schema 7: what the daemon itself has to remember from one start to the next.

CREATE TABLE service_state (
    name     VARCHAR NOT NULL,
    value    VARCHAR NOT NULL,
    saved_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE service_state IS 'What the daemon remembers from one start to the next, one row for each name';
COMMENT ON COLUMN service_state.name IS 'rollout: how far the roll-out is';
COMMENT ON COLUMN service_state.value IS 'JSON text';
COMMENT ON COLUMN service_state.saved_at IS 'UTC';
