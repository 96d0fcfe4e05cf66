-- Schema 6: how busy networks are over the day, and which are planned together.

CREATE TABLE cluster (
    cluster_id      UINTEGER PRIMARY KEY,
    medium          VARCHAR NOT NULL,
    slots           USMALLINT NOT NULL,
    utc_offset_s    INTEGER NOT NULL,
    half_life_days  DOUBLE NOT NULL,
    networks        UINTEGER NOT NULL,
    addresses       UBIGINT NOT NULL,
    answers         DOUBLE NOT NULL,
    updated_at      TIMESTAMP NOT NULL
);
COMMENT ON TABLE cluster IS 'Access networks that are planned as one: near each other and alike over the day';
COMMENT ON COLUMN cluster.cluster_id IS 'Number; given anew when clusters are made anew';
COMMENT ON COLUMN cluster.medium IS 'wired, wlan, lte, wisun, lora or unknown';
COMMENT ON COLUMN cluster.slots IS 'Slots of a day';
COMMENT ON COLUMN cluster.utc_offset_s IS 'Local time minus UTC, seconds';
COMMENT ON COLUMN cluster.half_life_days IS 'Days in which an answer loses half its weight';
COMMENT ON COLUMN cluster.networks IS 'Access networks in it';
COMMENT ON COLUMN cluster.addresses IS 'Addresses that answered in it';
COMMENT ON COLUMN cluster.answers IS 'Answers behind its profile, weighted by age';
COMMENT ON COLUMN cluster.updated_at IS 'When it was made, UTC';

CREATE TABLE cluster_member (
    cluster_id UINTEGER NOT NULL,
    network    UINTEGER NOT NULL,
    addresses  UINTEGER NOT NULL,
    answers    DOUBLE NOT NULL
);
COMMENT ON TABLE cluster_member IS 'Access networks of each cluster';
COMMENT ON COLUMN cluster_member.cluster_id IS 'cluster.cluster_id';
COMMENT ON COLUMN cluster_member.network IS 'First address of the /24, as a number; ip() prints it';
COMMENT ON COLUMN cluster_member.addresses IS 'Addresses that answered in it';
COMMENT ON COLUMN cluster_member.answers IS 'Answers behind its own profile, weighted by age';

CREATE TABLE slot_congestion (
    cluster_id    UINTEGER NOT NULL,
    weekend       BOOLEAN NOT NULL,
    slot          USMALLINT NOT NULL,
    answers       DOUBLE NOT NULL,
    mean_excess_s DOUBLE NOT NULL,
    sd_excess_s   DOUBLE NOT NULL,
    below         DOUBLE[] NOT NULL,
    last_day      INTEGER NOT NULL,
    load          DOUBLE NOT NULL,
    load_low      DOUBLE NOT NULL,
    load_high     DOUBLE NOT NULL,
    others_bits_s DOUBLE NOT NULL,
    limit_pps     DOUBLE NOT NULL
);
COMMENT ON TABLE slot_congestion IS 'Congestion of each cluster in each slot of the day that answers came from';
COMMENT ON COLUMN slot_congestion.cluster_id IS 'cluster.cluster_id';
COMMENT ON COLUMN slot_congestion.weekend IS 'Whether it is of Saturdays and Sundays';
COMMENT ON COLUMN slot_congestion.slot IS 'Slot of the local day, from 0';
COMMENT ON COLUMN slot_congestion.answers IS 'Answers, weighted by age';
COMMENT ON COLUMN slot_congestion.mean_excess_s IS 'Mean delay over the floor of its address, seconds';
COMMENT ON COLUMN slot_congestion.sd_excess_s IS 'Standard deviation of the delay over the floor, seconds';
COMMENT ON COLUMN slot_congestion.below IS 'Answers with a delay over the floor below each of four steps, multiples of the medium''s idle jitter';
COMMENT ON COLUMN slot_congestion.last_day IS 'Last local day with an answer, days since 1970-01-01';
COMMENT ON COLUMN slot_congestion.load IS 'Load of the access networks'' bottleneck, 0 to 1';
COMMENT ON COLUMN slot_congestion.load_low IS '5 % point of the load';
COMMENT ON COLUMN slot_congestion.load_high IS '95 % point of the load: careful plans go by it';
COMMENT ON COLUMN slot_congestion.others_bits_s IS 'Throughput of the others per access network, bits/s; as sure as the medium is';
COMMENT ON COLUMN slot_congestion.limit_pps IS 'Highest rate of probes per access network that others are not to notice, packets/s';

CREATE VIEW congestion AS
SELECT c.cluster_id, c.medium, c.networks, CASE WHEN s.weekend THEN 'weekend' ELSE 'working day' END AS day,
       printf('%02d:%02d', s.slot * 1440 // c.slots // 60, s.slot * 1440 // c.slots % 60) AS local_time,
       s.load, s.load_low, s.load_high, s.answers, s.limit_pps, s.others_bits_s
FROM slot_congestion AS s JOIN cluster AS c USING (cluster_id);
COMMENT ON VIEW congestion IS 'Load by cluster and local time; ORDER BY cluster_id, day, local_time';
