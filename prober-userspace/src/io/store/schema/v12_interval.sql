-- Schema 12: the interval is the time between two visits under every scheme; steps of a ladder are those of one alone.

CREATE OR REPLACE VIEW target_state AS
WITH latest AS (
    SELECT address, max_by(target_change, change) AS last FROM target_change GROUP BY address),
merged AS (
    SELECT address, due_s, visited_s, fingerprint, cluster, standing, open_ports
    FROM target_base WHERE address NOT IN (SELECT address FROM latest)
    UNION ALL
    SELECT address, last.due_s, last.visited_s, last.fingerprint, last.cluster, last.standing, last.open_ports
    FROM latest)
SELECT m.address, ip(m.address) AS ip,
    CASE WHEN m.standing < 5 THEN ['new', 'silent', 'gone', 'answering', 'honeypot'][m.standing + 1]
         ELSE 'device' END AS standing,
    d.name AS device,
    CASE WHEN m.visited_s < 4294967295
         THEN round((m.due_s::BIGINT - m.visited_s) / 3600.0, 2) END AS interval_hours,
    w.began_at + to_microseconds((m.due_s * 1e6 / w.time_scale)::BIGINT) AS due_at,
    CASE WHEN m.visited_s < 4294967295
         THEN w.began_at + to_microseconds((m.visited_s * 1e6 / w.time_scale)::BIGINT) END AS visited_at,
    m.fingerprint,
    CASE WHEN m.cluster > 0 THEN m.cluster::INTEGER - 1 END AS cluster_id,
    CASE WHEN m.open_ports = '' THEN [] ELSE string_split(m.open_ports, ',')::USMALLINT[] END AS open_ports
FROM merged m CROSS JOIN watch w LEFT JOIN watch_device d ON m.standing = d.device::INTEGER + 5;
COMMENT ON VIEW target_state IS 'What the daemon knows of every target: standing, device, next and last visit (UTC, wall clock), hours between the two by the watch''s clock, known open ports';
