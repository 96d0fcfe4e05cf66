-- Schema 7: banners that were not to be had; clusters that keep their numbers.

COMMENT ON COLUMN banner.outcome IS 'answered, silent, refused, unreachable, reset, closed, timeout, too_much (more than is kept), malformed, given_up (not asked: the host had cost enough) or interrupted (a stop came before it had said all; asked again next time)';

CREATE OR REPLACE VIEW banner_latest AS
SELECT ip(address) AS ip, port, transport, protocol, outcome, truncated, text,
       nullif(trim(regexp_extract(text, '(?is)<title[^>]*>(.{0,200}?)</title', 1), E' \t\r\n'), '') AS title,
       nullif(regexp_extract(text, '(?i)realm="([^"]{0,200})"', 1), '') AS realm,
       nullif(trim(regexp_extract(text, '(?im)^server:([^\r\n]{0,200})', 1)), '') AS server,
       grabbed_at, scan_id, address
FROM banner
QUALIFY row_number() OVER (PARTITION BY address, port, transport, protocol
                           ORDER BY outcome IN ('given_up', 'interrupted'), grabbed_at DESC) = 1;
COMMENT ON VIEW banner_latest IS 'The last banner of each address, port and protocol, with title, realm and server name of web pages; one that was given up or interrupted only if there is no other';

COMMENT ON COLUMN cluster.cluster_id IS 'Number; when clusters are made anew, it stays with the one that shares most networks';
