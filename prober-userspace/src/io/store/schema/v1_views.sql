-- Schema 1, macros and the views that answer the questions asked first.

CREATE MACRO ip(n) AS
    CASE WHEN n IS NULL THEN NULL
         ELSE concat((n >> 24) & 255, '.', (n >> 16) & 255, '.', (n >> 8) & 255, '.', n & 255) END;
CREATE MACRO ipn(s) AS
    CASE WHEN regexp_full_match(s, '(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}')
         THEN (split_part(s, '.', 1)::UBIGINT * 16777216 + split_part(s, '.', 2)::UBIGINT * 65536
             + split_part(s, '.', 3)::UBIGINT * 256 + split_part(s, '.', 4)::UBIGINT)::UINTEGER
         ELSE error(concat('ipn: not an IPv4 address: ', s)) END;
CREATE MACRO prefix_size(p) AS
    (1::UBIGINT << (32 - coalesce(nullif(split_part(p, '/', 2), ''), '32')::UTINYINT)::INTEGER);
CREATE MACRO prefix_first(p) AS
    ((ipn(split_part(p, '/', 1))::UBIGINT // prefix_size(p)) * prefix_size(p))::UINTEGER;
CREATE MACRO prefix_last(p) AS
    (prefix_first(p)::UBIGINT + prefix_size(p) - 1)::UINTEGER;
CREATE MACRO in_prefix(n, p) AS n BETWEEN prefix_first(p) AND prefix_last(p);
CREATE MACRO slash24(n) AS concat((n >> 24) & 255, '.', (n >> 16) & 255, '.', (n >> 8) & 255, '.0/24');
CREATE MACRO reply_kind(k) AS
    CASE k WHEN 0 THEN 'syn_ack' WHEN 1 THEN 'rst' WHEN 2 THEN 'echo_reply' WHEN 3 THEN 'udp_reply'
           WHEN 4 THEN 'unreachable' WHEN 5 THEN 'time_exceeded' WHEN 6 THEN 'icmp_other' END;
CREATE MACRO probe_kind(k) AS CASE k WHEN 0 THEN 'tcp_syn' WHEN 1 THEN 'icmp_echo' WHEN 2 THEN 'udp' END;
CREATE MACRO icmp_name(type, code) AS
    CASE type
        WHEN 3 THEN CASE code
            WHEN 0 THEN 'network unreachable' WHEN 1 THEN 'host unreachable' WHEN 2 THEN 'protocol unreachable'
            WHEN 3 THEN 'port unreachable' WHEN 4 THEN 'fragmentation needed' WHEN 5 THEN 'source route failed'
            WHEN 6 THEN 'network unknown' WHEN 7 THEN 'host unknown' WHEN 9 THEN 'network prohibited'
            WHEN 10 THEN 'host prohibited' WHEN 11 THEN 'network unreachable for TOS'
            WHEN 12 THEN 'host unreachable for TOS' WHEN 13 THEN 'administratively prohibited'
            WHEN 14 THEN 'host precedence violation' WHEN 15 THEN 'precedence cutoff' ELSE 'unreachable' END
        WHEN 4 THEN 'source quench' WHEN 5 THEN 'redirect'
        WHEN 11 THEN CASE code WHEN 0 THEN 'TTL exceeded' WHEN 1 THEN 'reassembly time exceeded' ELSE 'time exceeded' END
        WHEN 12 THEN 'parameter problem' ELSE concat('type ', type) END;

CREATE VIEW answer AS
SELECT scan_id, received_at, ip(address) AS ip, port, probe_kind(probe) AS probe, reply_kind(kind) AS kind,
       rtt_us / 1000.0 AS rtt_ms, ttl, ip(responder) AS responder,
       CASE WHEN kind IN (0, 1) THEN detail END AS tcp_window,
       CASE WHEN kind >= 4 THEN detail >> 8 END AS icmp_type,
       CASE WHEN kind >= 4 THEN detail & 255 END AS icmp_code,
       CASE WHEN kind >= 4 THEN quoted_ttl END AS quoted_ttl, address
FROM reply;
COMMENT ON VIEW answer IS 'Replies with names and printed addresses; rtt in ms';

CREATE VIEW open_port AS
SELECT scan_id, ip(address) AS ip, port, probe_kind(probe) AS probe, min(received_at) AS first_seen_at,
       min(rtt_us) / 1000.0 AS rtt_min_ms, min(ttl) AS ttl, count(*) AS replies, address
FROM reply WHERE kind IN (0, 3) GROUP BY scan_id, address, port, probe;
COMMENT ON VIEW open_port IS 'Ports that answered a SYN with SYN-ACK or a UDP probe; one row per scan, address and port';

CREATE VIEW host AS
SELECT scan_id, ip(address) AS ip, slash24(address) AS prefix,
       coalesce(list(DISTINCT port ORDER BY port) FILTER (kind IN (0, 3)), []) AS open_ports,
       coalesce(list(DISTINCT port ORDER BY port) FILTER (kind = 1), []) AS closed_ports,
       bool_or(kind = 2) AS answers_ping, min(rtt_us) / 1000.0 AS rtt_min_ms, median(rtt_us) / 1000.0 AS rtt_median_ms,
       list(DISTINCT ttl ORDER BY ttl) AS ttls, count(*) AS replies, min(received_at) AS first_seen_at,
       max(received_at) AS last_seen_at, address
FROM reply WHERE kind < 4 GROUP BY scan_id, address;
COMMENT ON VIEW host IS 'One row per scan and address that itself answered';

CREATE VIEW top_port AS
SELECT scan_id, probe_kind(probe) AS probe, port, count(DISTINCT address) AS addresses, median(rtt_us) / 1000.0 AS rtt_median_ms
FROM reply WHERE kind IN (0, 3) GROUP BY scan_id, probe, port;
COMMENT ON VIEW top_port IS 'Open ports by the number of addresses; ORDER BY addresses DESC';

CREATE VIEW rtt AS
WITH sorted AS (SELECT scan_id, kind, count(*) AS replies, min(rtt_us) AS low, max(rtt_us) AS high,
                       quantile_disc(rtt_us, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999]) AS q
                FROM reply GROUP BY scan_id, kind)
SELECT scan_id, reply_kind(kind) AS kind, replies, low / 1000.0 AS min_ms, q[1] / 1000.0 AS p1_ms, q[2] / 1000.0 AS p5_ms,
       q[3] / 1000.0 AS p25_ms, q[4] / 1000.0 AS p50_ms, q[5] / 1000.0 AS p75_ms, q[6] / 1000.0 AS p95_ms,
       q[7] / 1000.0 AS p99_ms, q[8] / 1000.0 AS p99_9_ms, high / 1000.0 AS max_ms
FROM sorted;
COMMENT ON VIEW rtt IS 'Round-trip time per scan and reply kind, ms, exact percentiles';

CREATE VIEW icmp_error AS
SELECT scan_id, detail >> 8 AS type, detail & 255 AS code, icmp_name(detail >> 8, detail & 255) AS name,
       count(*) AS replies, count(DISTINCT address) AS addresses, count(DISTINCT coalesce(responder, address)) AS responders
FROM reply WHERE kind >= 4 GROUP BY scan_id, detail;
COMMENT ON VIEW icmp_error IS 'ICMP errors by type and code';

CREATE VIEW scan_summary AS
WITH kept AS (SELECT scan_id, count(*) AS n, count(DISTINCT address) FILTER (kind < 4) AS hosts,
                     count(*) FILTER (kind IN (0, 3)) AS open
              FROM reply GROUP BY scan_id),
     counted AS (SELECT scan_id, sum(value) FILTER (role = 'sent') AS sent, sum(value) FILTER (role = 'accepted') AS accepted,
                        sum(value) FILTER (role = 'duplicate') AS duplicates, sum(value) FILTER (role = 'loss') AS lost
                 FROM scan_counter GROUP BY scan_id)
SELECT scan.id AS scan_id, started_at, ended_at, status, operator, ports, probes_planned,
       coalesce(sent, 0)::UBIGINT AS sent, coalesce(accepted, 0)::UBIGINT AS accepted, coalesce(n, 0)::UBIGINT AS replies,
       coalesce(duplicates, 0)::UBIGINT AS duplicates, coalesce(lost, 0)::UBIGINT AS lost,
       coalesce(accepted, 0)::HUGEINT = coalesce(n, 0) + coalesce(duplicates, 0) + coalesce(lost, 0) AS accounted,
       coalesce(hosts, 0)::UBIGINT AS hosts, coalesce(open, 0)::UBIGINT AS open_replies,
       100.0 * coalesce(open, 0) / nullif(sent, 0) AS hit_percent
FROM scan LEFT JOIN kept ON kept.scan_id = scan.id LEFT JOIN counted ON counted.scan_id = scan.id;
COMMENT ON VIEW scan_summary IS 'One row per scan; accounted: accepted = rows + duplicates + counted losses';
