-- Schema 4: which estimates are the latest when the signature database changes; what is unknown; several hosts behind an
-- address.

CREATE TABLE device_estimation (
    estimated_at     TIMESTAMP NOT NULL,
    database_version UBIGINT NOT NULL,
    scan_id          UINTEGER,
    complete         BOOLEAN NOT NULL,
    threshold        DOUBLE NOT NULL,
    banner_share     DOUBLE NOT NULL,
    looked_at        UINTEGER NOT NULL,
    named            UINTEGER NOT NULL
);
COMMENT ON TABLE device_estimation IS 'One row for each time that devices were estimated; the estimates themselves are in device_estimate';
COMMENT ON COLUMN device_estimation.estimated_at IS 'UTC; the same as in the estimates made then';
COMMENT ON COLUMN device_estimation.database_version IS 'Hash of the signature database that was used';
COMMENT ON COLUMN device_estimation.scan_id IS 'scan.id of the banners; null if they are of several scans or of none';
COMMENT ON COLUMN device_estimation.complete IS 'All banners stored then were looked at: older estimates count no more';
COMMENT ON COLUMN device_estimation.threshold IS 'th: score that an estimate has to reach';
COMMENT ON COLUMN device_estimation.banner_share IS 'a: share of the banners in the score';
COMMENT ON COLUMN device_estimation.looked_at IS 'Addresses with a banner';
COMMENT ON COLUMN device_estimation.named IS 'Addresses with an estimate';

CREATE VIEW device_latest AS
SELECT ip(e.address) AS ip, s.maker, s.name, s.model, s.kind, s.level, e.firmware_version, e.score, e.banner_score,
       e.port_score,
       list_transform(string_split(e.keywords, ','), lambda k: s.keywords[try_cast(k AS INTEGER)]) AS keywords,
       e.estimated_at, e.scan_id, e.database_version, e.address
FROM device_estimate AS e JOIN device_signature AS s ON s.database_version = e.database_version AND s.id = e.device
WHERE e.estimated_at = (SELECT max(estimated_at) FROM device_estimate AS later WHERE later.address = e.address)
  AND e.estimated_at >= coalesce((SELECT max(estimated_at) FROM device_estimation WHERE complete), TIMESTAMP '1970-01-01');
COMMENT ON VIEW device_latest IS 'The latest estimates of each address, with names and the keywords that matched; none that a later database no longer makes';

CREATE OR REPLACE VIEW device AS SELECT * FROM device_latest;
COMMENT ON VIEW device IS 'The same as device_latest';

CREATE MACRO initial_ttl(ttl) AS CASE WHEN ttl <= 32 THEN 32 WHEN ttl <= 64 THEN 64 WHEN ttl <= 128 THEN 128 ELSE 255 END;
CREATE MACRO hops(ttl) AS initial_ttl(ttl) - ttl;

CREATE VIEW port_ttl AS
SELECT scan_id, ip(address) AS ip, port, probe_kind(probe) AS probe, initial_ttl(arg_max(ttl, received_at)) AS initial_ttl,
       hops(arg_max(ttl, received_at)) AS hops, address
FROM reply WHERE kind IN (0, 3) GROUP BY scan_id, address, port, probe;
COMMENT ON VIEW port_ttl IS 'Initial TTL and hops of each open port, by its last reply';

CREATE VIEW address_with_several_hosts AS
SELECT scan_id, ip(address) AS ip, count(DISTINCT (initial_ttl, hops)) AS hosts,
       list(DISTINCT {'initial_ttl': initial_ttl, 'hops': hops}) AS ttls,
       map_from_entries(list((port, concat(initial_ttl, '-', hops)) ORDER BY port)) AS ttl_of_port, address
FROM port_ttl GROUP BY scan_id, address HAVING count(DISTINCT (initial_ttl, hops)) > 1;
COMMENT ON VIEW address_with_several_hosts IS 'Addresses whose ports answer with different initial TTLs or hops: several hosts share them';

CREATE OR REPLACE VIEW address_with_several_devices AS
WITH ttl AS (SELECT address, count(DISTINCT (initial_ttl, hops)) AS hosts FROM port_ttl
             WHERE scan_id = (SELECT max(scan_id) FROM port_ttl AS later WHERE later.address = port_ttl.address)
             GROUP BY address)
SELECT ip(d.address) AS ip, count(*) AS devices, list(DISTINCT kind ORDER BY kind) AS kinds,
       list(DISTINCT name ORDER BY name) AS names, list(DISTINCT model ORDER BY model) AS models,
       any_value(ttl.hosts) AS hosts_by_ttl, coalesce(any_value(ttl.hosts), 0) > 1 AS ttl_differs, d.address
FROM device_latest AS d LEFT JOIN ttl ON ttl.address = d.address GROUP BY d.address HAVING count(*) > 1;
COMMENT ON VIEW address_with_several_devices IS 'Addresses that several devices are seen at; ttl_differs: their ports answer with different initial TTLs or hops, so several hosts share the address';

CREATE VIEW unknown_group AS
SELECT coalesce(text_hash, hash(text)) AS text_hash, protocol, count(DISTINCT address) AS addresses,
       list(DISTINCT port ORDER BY port) AS ports, any_value(text) AS text, max(grabbed_at) AS grabbed_at
FROM banner
WHERE text <> '' AND address NOT IN (SELECT address FROM device_latest)
GROUP BY ALL;
COMMENT ON VIEW unknown_group IS 'Banners of addresses without an estimate, equal once normalised; ORDER BY addresses DESC. prober device groups filters and groups further';
COMMENT ON COLUMN banner.text_hash IS 'Hash of the normalised text; null without text and in rows of before schema 4';
