-- Schema 3, views.

CREATE VIEW device AS
SELECT ip(e.address) AS ip, s.maker, s.name, s.model, s.kind, s.level, e.firmware_version, e.score, e.banner_score,
       e.port_score,
       list_transform(string_split(e.keywords, ','), lambda k: s.keywords[try_cast(k AS INTEGER)]) AS keywords,
       e.estimated_at, e.scan_id, e.database_version, e.address
FROM device_estimate AS e JOIN device_signature AS s ON s.database_version = e.database_version AND s.id = e.device
WHERE e.estimated_at = (SELECT max(estimated_at) FROM device_estimate AS later WHERE later.address = e.address);
COMMENT ON VIEW device IS 'The latest estimates of each address, with names and the keywords that matched';

CREATE VIEW device_kind AS
SELECT coalesce(kind, 'unknown') AS kind, count(DISTINCT address) AS addresses, count(DISTINCT maker) AS makers,
       count(DISTINCT model) AS models FROM device GROUP BY ALL;
COMMENT ON VIEW device_kind IS 'Latest estimates by kind; ORDER BY addresses DESC';

CREATE VIEW device_maker AS
SELECT coalesce(maker, 'unknown') AS maker, count(DISTINCT address) AS addresses, count(DISTINCT kind) AS kinds,
       count(DISTINCT model) AS models FROM device GROUP BY ALL;
COMMENT ON VIEW device_maker IS 'Latest estimates by maker; ORDER BY addresses DESC';

CREATE VIEW device_level AS
SELECT level, count(DISTINCT address) AS addresses, count(*) AS estimates FROM device GROUP BY level;
COMMENT ON VIEW device_level IS 'Latest estimates by level: 4 model, 3 maker and kind, 2 maker, 1 kind, 0 less';

CREATE VIEW address_with_several_devices AS
SELECT ip(address) AS ip, count(*) AS devices, list(DISTINCT kind ORDER BY kind) AS kinds,
       list(DISTINCT name ORDER BY name) AS names, list(DISTINCT model ORDER BY model) AS models, address
FROM device GROUP BY address HAVING count(*) > 1;
COMMENT ON VIEW address_with_several_devices IS 'Addresses that several devices are seen at: shared, or known by two names';
