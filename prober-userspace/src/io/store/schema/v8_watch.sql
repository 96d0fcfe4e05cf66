-- What a daemon keeps: sessions that follow no plan, the clock of its policy, the state of every target.

CREATE TABLE session (
    scan_id UINTEGER NOT NULL,
    purpose VARCHAR NOT NULL);
COMMENT ON TABLE session IS 'Scans that follow no plan: what they probe is decided while they run; they cannot be resumed';
COMMENT ON COLUMN session.scan_id IS 'scan.id';
COMMENT ON COLUMN session.purpose IS 'What for: watch (the daemon), study';

CREATE TABLE watch (
    began_at TIMESTAMP NOT NULL,
    clock_s UINTEGER NOT NULL,
    time_scale DOUBLE NOT NULL,
    scheme VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,
    learnt VARCHAR NOT NULL,
    saved_at TIMESTAMP NOT NULL);
COMMENT ON TABLE watch IS 'The watch over the targets: one row';
COMMENT ON COLUMN watch.began_at IS 'When the clock of the policy stood at 0, UTC';
COMMENT ON COLUMN watch.clock_s IS 'Where it stood when the states were last saved, seconds; it never runs backwards';
COMMENT ON COLUMN watch.time_scale IS 'Seconds of the policy per second; 1 but in a laboratory';
COMMENT ON COLUMN watch.scheme IS 'standard, efficient or predictive';
COMMENT ON COLUMN watch.settings IS 'Settings of the scheme, JSON';
COMMENT ON COLUMN watch.learnt IS 'What the scheme has learnt besides the states, in its own form';
COMMENT ON COLUMN watch.saved_at IS 'When the states were last saved, UTC';

CREATE TABLE watch_device (
    device USMALLINT NOT NULL,
    name VARCHAR NOT NULL,
    ports VARCHAR NOT NULL);
COMMENT ON TABLE watch_device IS 'Devices by the number that target states name them by';
COMMENT ON COLUMN watch_device.device IS 'Number, from 0';
COMMENT ON COLUMN watch_device.name IS 'What an estimate calls it: maker, kind, model';
COMMENT ON COLUMN watch_device.ports IS 'TCP ports seen open on its addresses, with commas between';

CREATE TABLE target_base (
    address UINTEGER NOT NULL,
    due_s UINTEGER NOT NULL,
    visited_s UINTEGER NOT NULL,
    fingerprint UINTEGER NOT NULL,
    cluster USMALLINT NOT NULL,
    step UTINYINT NOT NULL,
    standing USMALLINT NOT NULL,
    open_ports VARCHAR NOT NULL);
COMMENT ON TABLE target_base IS 'State of every target when all were last written; target_change holds what changed since, the view target_state both';
COMMENT ON COLUMN target_base.address IS 'IPv4 address as a number';
COMMENT ON COLUMN target_base.due_s IS 'When its next visit is due, seconds of the policy''s clock';
COMMENT ON COLUMN target_base.visited_s IS 'When its last visit was decided, seconds of the policy''s clock; 4294967295: never';
COMMENT ON COLUMN target_base.fingerprint IS 'Hash of the open ports that the last visit found; 0 for none';
COMMENT ON COLUMN target_base.cluster IS 'cluster.cluster_id + 1; 0 for none';
COMMENT ON COLUMN target_base.step IS 'Rung of the ladder of intervals, from 0';
COMMENT ON COLUMN target_base.standing IS '0 new, 1 silent, 2 gone, 3 answering, 4 honeypot, 5 and more: watch_device.device + 5';
COMMENT ON COLUMN target_base.open_ports IS 'TCP ports known to be open, with commas between';

CREATE TABLE target_change AS FROM target_base;
ALTER TABLE target_change ADD COLUMN change UBIGINT;
COMMENT ON TABLE target_change IS 'States as visits left them, since target_base was written; the last one of an address counts';
COMMENT ON COLUMN target_change.address IS 'As in target_base';
COMMENT ON COLUMN target_change.due_s IS 'As in target_base';
COMMENT ON COLUMN target_change.visited_s IS 'As in target_base';
COMMENT ON COLUMN target_change.fingerprint IS 'As in target_base';
COMMENT ON COLUMN target_change.cluster IS 'As in target_base';
COMMENT ON COLUMN target_change.step IS 'As in target_base';
COMMENT ON COLUMN target_change.standing IS 'As in target_base';
COMMENT ON COLUMN target_change.open_ports IS 'As in target_base';
COMMENT ON COLUMN target_change.change IS 'Order of the changes';

CREATE VIEW target_state AS
WITH latest AS (
    SELECT address, max_by(target_change, change) AS last FROM target_change GROUP BY address),
merged AS (
    SELECT address, due_s, visited_s, fingerprint, cluster, step, standing, open_ports
    FROM target_base WHERE address NOT IN (SELECT address FROM latest)
    UNION ALL
    SELECT address, last.due_s, last.visited_s, last.fingerprint, last.cluster, last.step, last.standing, last.open_ports
    FROM latest)
SELECT m.address, ip(m.address) AS ip,
    CASE WHEN m.standing < 5 THEN ['new', 'silent', 'gone', 'answering', 'honeypot'][m.standing + 1]
         ELSE 'device' END AS standing,
    d.name AS device,
    [12, 24, 48, 72, 120, 168, 336][m.step + 1] AS interval_hours,
    w.began_at + to_microseconds((m.due_s * 1e6 / w.time_scale)::BIGINT) AS due_at,
    CASE WHEN m.visited_s < 4294967295
         THEN w.began_at + to_microseconds((m.visited_s * 1e6 / w.time_scale)::BIGINT) END AS visited_at,
    m.fingerprint,
    CASE WHEN m.cluster > 0 THEN m.cluster::INTEGER - 1 END AS cluster_id,
    CASE WHEN m.open_ports = '' THEN [] ELSE string_split(m.open_ports, ',')::USMALLINT[] END AS open_ports
FROM merged m CROSS JOIN watch w LEFT JOIN watch_device d ON m.standing = d.device::INTEGER + 5;
COMMENT ON VIEW target_state IS 'What the daemon knows of every target: standing, device, next and last visit (UTC, wall clock), known open ports';
