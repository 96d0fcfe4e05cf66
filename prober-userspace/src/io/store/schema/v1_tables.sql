-- Schema 1, tables. Times are UTC; IPv4 addresses are numbers in host order (192.0.2.1 is 3221225985).
-- No sequences: DuckDB 1.5.5 cannot replay its log when a column's default uses one, so a kill would lose the file.
-- No foreign keys and no indexes on `reply`: it only grows, by millions of rows a second.

CREATE TABLE scan (
    id               UINTEGER PRIMARY KEY,
    started_at       TIMESTAMP NOT NULL,
    ended_at         TIMESTAMP,
    status           VARCHAR NOT NULL CHECK (status IN ('running', 'finished', 'interrupted', 'failed')),
    operator         VARCHAR NOT NULL,
    host             VARCHAR NOT NULL,
    program_version  VARCHAR NOT NULL,
    command          VARCHAR NOT NULL,
    settings         VARCHAR NOT NULL,
    seed             UBIGINT NOT NULL,
    plan_fingerprint UBIGINT NOT NULL,
    targets          UBIGINT NOT NULL,
    ports            VARCHAR NOT NULL,
    probes_planned   UBIGINT NOT NULL,
    shard_index      UINTEGER NOT NULL,
    shard_count      UINTEGER NOT NULL,
    rate_pps         DOUBLE NOT NULL,
    engine           VARCHAR NOT NULL,
    interface        VARCHAR NOT NULL,
    source_address   UINTEGER,
    resumed          UINTEGER NOT NULL DEFAULT 0,
    checkpoint       VARCHAR,
    checkpoint_at    TIMESTAMP,
    error            VARCHAR
);
COMMENT ON TABLE scan IS 'One row per scan: what was asked, by whom, how it ended';
COMMENT ON COLUMN scan.id IS 'Number of the scan in this database';
COMMENT ON COLUMN scan.started_at IS 'Start, UTC';
COMMENT ON COLUMN scan.ended_at IS 'End, UTC; null while running or after a kill';
COMMENT ON COLUMN scan.status IS 'running, finished, interrupted (by a person or signal; resumable) or failed (resumable)';
COMMENT ON COLUMN scan.operator IS 'Who started it';
COMMENT ON COLUMN scan.host IS 'Name of the scan host';
COMMENT ON COLUMN scan.program_version IS 'Version of prober that wrote the rows';
COMMENT ON COLUMN scan.command IS 'Command line as given';
COMMENT ON COLUMN scan.settings IS 'Settings in effect after all layers, JSON text';
COMMENT ON COLUMN scan.seed IS 'Seed of the permutation: the same seed and plan give the same order';
COMMENT ON COLUMN scan.plan_fingerprint IS 'Hash of the plan; a resume must match it';
COMMENT ON COLUMN scan.targets IS 'Targets in the whole plan: pairs of address and port, after exclusions';
COMMENT ON COLUMN scan.ports IS 'Port expression';
COMMENT ON COLUMN scan.probes_planned IS 'Probes this shard will send, all passes';
COMMENT ON COLUMN scan.shard_index IS 'This shard, from 0';
COMMENT ON COLUMN scan.shard_count IS 'How many shards the plan is cut into';
COMMENT ON COLUMN scan.rate_pps IS 'Rate asked for at the start, packets per second';
COMMENT ON COLUMN scan.engine IS 'Transmit engine: af-xdp, live-frames or packet';
COMMENT ON COLUMN scan.interface IS 'Network interface';
COMMENT ON COLUMN scan.source_address IS 'Our address, as a number; ip() prints it';
COMMENT ON COLUMN scan.resumed IS 'How often the scan was resumed';
COMMENT ON COLUMN scan.checkpoint IS 'Where to resume, JSON text, committed together with the replies before it';
COMMENT ON COLUMN scan.checkpoint_at IS 'When the checkpoint was committed, UTC';
COMMENT ON COLUMN scan.error IS 'Why the scan failed';

CREATE TABLE scan_exclusion (
    scan_id UINTEGER NOT NULL,
    first   UINTEGER NOT NULL,
    last    UINTEGER NOT NULL
);
COMMENT ON TABLE scan_exclusion IS 'What was excluded when the scan began; its order depends on it, so a resume needs it';
COMMENT ON COLUMN scan_exclusion.scan_id IS 'The scan';
COMMENT ON COLUMN scan_exclusion.first IS 'First address, as a number';
COMMENT ON COLUMN scan_exclusion.last IS 'Last address, inclusive';

CREATE TABLE reply (
    scan_id     UINTEGER NOT NULL,
    received_at TIMESTAMP NOT NULL,
    rtt_us      UINTEGER NOT NULL,
    address     UINTEGER NOT NULL,
    responder   UINTEGER,
    port        USMALLINT NOT NULL,
    kind        UTINYINT NOT NULL,
    probe       UTINYINT NOT NULL,
    ttl         UTINYINT NOT NULL,
    detail      USMALLINT NOT NULL,
    quoted_ttl  UTINYINT NOT NULL
);
COMMENT ON TABLE reply IS 'Verified replies, duplicates removed; the view answer shows them with names';
COMMENT ON COLUMN reply.scan_id IS 'scan.id';
COMMENT ON COLUMN reply.received_at IS 'Arrival in the kernel, UTC, microseconds';
COMMENT ON COLUMN reply.rtt_us IS 'Arrival minus the send time carried by the probe, microseconds; resolution 8 us, at most 67 s';
COMMENT ON COLUMN reply.address IS 'Probed address, as a number; ip() prints it';
COMMENT ON COLUMN reply.responder IS 'Address that answered when it is not the probed one (ICMP errors); else null';
COMMENT ON COLUMN reply.port IS 'Probed port; 0 for ICMP echo';
COMMENT ON COLUMN reply.kind IS '0 syn_ack, 1 rst, 2 echo_reply, 3 udp_reply, 4 unreachable, 5 time_exceeded, 6 icmp_other; reply_kind() prints it';
COMMENT ON COLUMN reply.probe IS '0 tcp_syn, 1 icmp_echo, 2 udp; probe_kind() prints it';
COMMENT ON COLUMN reply.ttl IS 'TTL of the reply as it arrived';
COMMENT ON COLUMN reply.detail IS 'TCP: window; ICMP errors: type * 256 + code; else 0';
COMMENT ON COLUMN reply.quoted_ttl IS 'ICMP errors: TTL left in the quoted probe; else 0';

CREATE TABLE scan_counter (
    scan_id UINTEGER NOT NULL,
    name    VARCHAR NOT NULL,
    role    VARCHAR NOT NULL CHECK (role IN ('sent', 'accepted', 'stored', 'duplicate', 'loss', 'info')),
    value   UBIGINT NOT NULL,
    meaning VARCHAR NOT NULL
);
COMMENT ON TABLE scan_counter IS 'Counters of a scan over all its sessions; accepted = stored + duplicate + loss';
COMMENT ON COLUMN scan_counter.scan_id IS 'scan.id';
COMMENT ON COLUMN scan_counter.name IS 'Name, stable';
COMMENT ON COLUMN scan_counter.role IS 'Its part in the accounting; info takes none';
COMMENT ON COLUMN scan_counter.value IS 'Events since the start of the scan';
COMMENT ON COLUMN scan_counter.meaning IS 'What is counted';

CREATE TABLE scan_rate (
    scan_id       UINTEGER NOT NULL,
    ended_at      TIMESTAMP NOT NULL,
    sent          UBIGINT NOT NULL,
    syn_ack       UINTEGER NOT NULL,
    rst           UINTEGER NOT NULL,
    echo_reply    UINTEGER NOT NULL,
    udp_reply     UINTEGER NOT NULL,
    unreachable   UINTEGER NOT NULL,
    time_exceeded UINTEGER NOT NULL,
    icmp_other    UINTEGER NOT NULL,
    duplicates    UINTEGER NOT NULL,
    lost          UINTEGER NOT NULL
);
COMMENT ON TABLE scan_rate IS 'One row per second of a scan, each with the events since the row before';
COMMENT ON COLUMN scan_rate.scan_id IS 'scan.id';
COMMENT ON COLUMN scan_rate.ended_at IS 'End of the second, UTC';
COMMENT ON COLUMN scan_rate.sent IS 'Probes sent';
COMMENT ON COLUMN scan_rate.syn_ack IS 'Replies of this kind, without duplicates; so the columns after it';
COMMENT ON COLUMN scan_rate.duplicates IS 'Replies that had come before';
COMMENT ON COLUMN scan_rate.lost IS 'Accepted replies lost, all reasons';

CREATE TABLE scan_clock (
    scan_id   UINTEGER NOT NULL,
    set_at    TIMESTAMP NOT NULL,
    offset_us BIGINT NOT NULL
);
COMMENT ON TABLE scan_clock IS 'UTC minus the kernel''s monotonic clock: one row per session and per step of the wall clock';
COMMENT ON COLUMN scan_clock.scan_id IS 'scan.id';
COMMENT ON COLUMN scan_clock.set_at IS 'From when on it was used, UTC';
COMMENT ON COLUMN scan_clock.offset_us IS 'Microseconds added to a monotonic time to give UTC';

CREATE TABLE exclusion (
    first    UINTEGER NOT NULL,
    last     UINTEGER NOT NULL,
    reason   VARCHAR NOT NULL,
    added_at TIMESTAMP NOT NULL,
    added_by VARCHAR NOT NULL
);
COMMENT ON TABLE exclusion IS 'Addresses never to be probed, besides the exclusion files; changes are in audit';
COMMENT ON COLUMN exclusion.first IS 'First address, as a number';
COMMENT ON COLUMN exclusion.last IS 'Last address, inclusive';
COMMENT ON COLUMN exclusion.reason IS 'Who asked and why';
COMMENT ON COLUMN exclusion.added_at IS 'UTC';
COMMENT ON COLUMN exclusion.added_by IS 'Operator';

CREATE TABLE audit (
    made_at TIMESTAMP NOT NULL,
    who     VARCHAR NOT NULL,
    what    VARCHAR NOT NULL,
    detail  VARCHAR NOT NULL
);
COMMENT ON TABLE audit IS 'Who did what and when; rows are only ever added';
COMMENT ON COLUMN audit.made_at IS 'UTC';
COMMENT ON COLUMN audit.who IS 'Operator';
COMMENT ON COLUMN audit.what IS 'Action, e.g. scan.begin, exclusion.add, export';
COMMENT ON COLUMN audit.detail IS 'Particulars, JSON text';
