-- Schema 2: what services say of themselves.

CREATE TABLE banner (
    scan_id        UINTEGER,
    address        UINTEGER NOT NULL,
    port           USMALLINT NOT NULL,
    transport      VARCHAR NOT NULL CHECK (transport IN ('tcp', 'udp')),
    protocol       VARCHAR NOT NULL,
    grabbed_at     TIMESTAMP NOT NULL,
    outcome        VARCHAR NOT NULL,
    truncated      BOOLEAN NOT NULL,
    text           VARCHAR NOT NULL,
    text_hash      UBIGINT,
    bytes          UINTEGER NOT NULL,
    sent_bytes     UINTEGER NOT NULL,
    connections    UTINYINT NOT NULL,
    duration_us    UINTEGER NOT NULL
);
COMMENT ON TABLE banner IS 'What services said of themselves when asked, one row per grab and protocol (a service under TLS has two: tls and its own); banner_latest shows the last of each';
COMMENT ON COLUMN banner.scan_id IS 'scan.id if the target came from a scan; else null';
COMMENT ON COLUMN banner.address IS 'Address, as a number; ip() prints it';
COMMENT ON COLUMN banner.port IS 'Port';
COMMENT ON COLUMN banner.transport IS 'tcp or udp';
COMMENT ON COLUMN banner.protocol IS 'Recognised protocol: http, https, tls, ssh, ftp, smtp, pop3, imap, telnet, rtsp, sip, mqtt, snmp, upnp, mdns, dns, modbus, s7, bacnet, fox, ethernet_ip or unknown; the one that was tried if nothing was heard';
COMMENT ON COLUMN banner.grabbed_at IS 'Begin of the grab, UTC, microseconds';
COMMENT ON COLUMN banner.outcome IS 'answered, silent, refused, unreachable, reset, closed, timeout, too_much (more than is kept) or malformed';
COMMENT ON COLUMN banner.truncated IS 'The text is only the beginning: too much, or the connection ended before the answer did';
COMMENT ON COLUMN banner.text IS 'What it said, at most 96 KiB: HTTP and the like as sent (body unpacked, at most 64 KiB), others in lines "name: value"; control characters but tab, CR and LF, and bytes that are no UTF-8, are written \xNN';
COMMENT ON COLUMN banner.text_hash IS 'Hash of the normalised text; null until it is normalised';
COMMENT ON COLUMN banner.bytes IS 'Bytes received, under any encryption';
COMMENT ON COLUMN banner.sent_bytes IS 'Bytes sent, under any encryption';
COMMENT ON COLUMN banner.connections IS 'Connections opened for the target; 0 in the second row of one grab';
COMMENT ON COLUMN banner.duration_us IS 'Whole grab of the target, microseconds';

CREATE VIEW banner_latest AS
SELECT ip(address) AS ip, port, transport, protocol, outcome, truncated, text,
       nullif(trim(regexp_extract(text, '(?is)<title[^>]*>(.{0,200}?)</title', 1), E' \t\r\n'), '') AS title,
       nullif(regexp_extract(text, '(?i)realm="([^"]{0,200})"', 1), '') AS realm,
       nullif(trim(regexp_extract(text, '(?im)^server:([^\r\n]{0,200})', 1)), '') AS server,
       grabbed_at, scan_id, address
FROM banner
QUALIFY row_number() OVER (PARTITION BY address, port, transport, protocol ORDER BY grabbed_at DESC) = 1;
COMMENT ON VIEW banner_latest IS 'The last banner of each address, port and protocol, with title, realm and server name of web pages';

CREATE VIEW top_banner AS
SELECT protocol, outcome, count(*) AS banners, count(DISTINCT address) AS addresses, median(duration_us) / 1000.0 AS duration_median_ms
FROM banner GROUP BY protocol, outcome;
COMMENT ON VIEW top_banner IS 'Banners by protocol and outcome; ORDER BY addresses DESC';
