-- Schema 5: which networks addresses sit behind and why probes of them fail, and what was sent to terminals under study.

CREATE TABLE network_estimate (
    address        UINTEGER NOT NULL,
    network_type   VARCHAR,
    confidence     DOUBLE NOT NULL,
    posterior      VARCHAR NOT NULL,
    replies        UINTEGER NOT NULL,
    hops           UTINYINT,
    transit_ms     DOUBLE,
    transit_source VARCHAR,
    access_ms      DOUBLE,
    several_hosts  BOOLEAN NOT NULL,
    model          VARCHAR NOT NULL,
    model_version  UINTEGER NOT NULL,
    estimated_at   TIMESTAMP NOT NULL,
    scan_id        UINTEGER NOT NULL
);
COMMENT ON TABLE network_estimate IS 'Access networks that addresses are taken to sit behind, each with the time';
COMMENT ON COLUMN network_estimate.address IS 'Address, as a number; ip() prints it';
COMMENT ON COLUMN network_estimate.network_type IS 'wired, wlan, lte, nb-iot, wisun, lora or satellite; null: unknown';
COMMENT ON COLUMN network_estimate.confidence IS 'Probability of the most probable type, 0 to 1';
COMMENT ON COLUMN network_estimate.posterior IS 'Probability of every type, JSON text';
COMMENT ON COLUMN network_estimate.replies IS 'Replies that the estimate is of';
COMMENT ON COLUMN network_estimate.hops IS 'Routers on the way, by the TTL; null if no reply told';
COMMENT ON COLUMN network_estimate.transit_ms IS 'Wide-area part of the round-trip time, ms; null if nothing told';
COMMENT ON COLUMN network_estimate.transit_source IS 'gateway, neighbours or hop_count';
COMMENT ON COLUMN network_estimate.access_ms IS 'Fastest round-trip time without the transit, ms';
COMMENT ON COLUMN network_estimate.several_hosts IS 'Whether ports of the address have TTLs of several hosts';
COMMENT ON COLUMN network_estimate.model IS 'File of the model, or built-in';
COMMENT ON COLUMN network_estimate.model_version IS 'Version of the model format';
COMMENT ON COLUMN network_estimate.estimated_at IS 'UTC';
COMMENT ON COLUMN network_estimate.scan_id IS 'scan.id of the replies';

CREATE TABLE cause_estimate (
    address       UINTEGER NOT NULL,
    cause         VARCHAR,
    confidence    DOUBLE NOT NULL,
    posterior     VARCHAR NOT NULL,
    probes        UINTEGER NOT NULL,
    replies       UINTEGER NOT NULL,
    evidence      VARCHAR NOT NULL,
    explanation   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    model_version UINTEGER NOT NULL,
    estimated_at  TIMESTAMP NOT NULL,
    scan_id       UINTEGER NOT NULL
);
COMMENT ON TABLE cause_estimate IS 'Why probes of addresses fail or come back late, each with the time';
COMMENT ON COLUMN cause_estimate.address IS 'Address, as a number; ip() prints it';
COMMENT ON COLUMN cause_estimate.cause IS 'normal, congestion, disconnected, hidden_terminal, weak_link, ports_blocked, unstable; null: unknown';
COMMENT ON COLUMN cause_estimate.confidence IS 'Probability of the most probable cause, 0 to 1';
COMMENT ON COLUMN cause_estimate.posterior IS 'Probability of every cause, JSON text';
COMMENT ON COLUMN cause_estimate.probes IS 'Probes known to have been sent';
COMMENT ON COLUMN cause_estimate.replies IS 'How many of them were answered';
COMMENT ON COLUMN cause_estimate.evidence IS 'Figures that decided, with their weight, JSON text';
COMMENT ON COLUMN cause_estimate.explanation IS 'The same for people';
COMMENT ON COLUMN cause_estimate.model IS 'File of the model, or built-in';
COMMENT ON COLUMN cause_estimate.model_version IS 'Version of the model format';
COMMENT ON COLUMN cause_estimate.estimated_at IS 'UTC';
COMMENT ON COLUMN cause_estimate.scan_id IS 'scan.id of the probes';

CREATE TABLE study_probe (
    scan_id UINTEGER NOT NULL,
    sent_at TIMESTAMP NOT NULL,
    address UINTEGER NOT NULL,
    port    USMALLINT NOT NULL,
    probe   UTINYINT NOT NULL
);
COMMENT ON TABLE study_probe IS 'Probes sent to terminals under study, answered or not: without them silence is not known';
COMMENT ON COLUMN study_probe.scan_id IS 'scan.id';
COMMENT ON COLUMN study_probe.sent_at IS 'UTC';
COMMENT ON COLUMN study_probe.address IS 'Address, as a number; ip() prints it';
COMMENT ON COLUMN study_probe.port IS 'Probed port; 0 for ICMP echo';
COMMENT ON COLUMN study_probe.probe IS '0 tcp_syn, 1 icmp_echo, 2 udp; probe_kind() prints it';

CREATE VIEW network AS
SELECT ip(address) AS ip, network_type, confidence, replies, hops, transit_ms, access_ms, several_hosts, estimated_at, scan_id, address
FROM network_estimate QUALIFY row_number() OVER (PARTITION BY address ORDER BY estimated_at DESC, scan_id DESC) = 1;
COMMENT ON VIEW network IS 'The last network estimate of each address';

CREATE VIEW network_type AS
SELECT coalesce(network_type, 'unknown') AS network_type, count(*) AS addresses, avg(confidence) AS confidence_mean,
       median(access_ms) AS access_median_ms
FROM network GROUP BY ALL;
COMMENT ON VIEW network_type IS 'Addresses by the network they are taken to sit behind';

CREATE VIEW failure_cause AS
SELECT ip(address) AS ip, cause, confidence, probes, replies, explanation, estimated_at, scan_id, address
FROM cause_estimate QUALIFY row_number() OVER (PARTITION BY address ORDER BY estimated_at DESC, scan_id DESC) = 1;
COMMENT ON VIEW failure_cause IS 'The last cause estimate of each address';
