-- Schema 3, tables: the devices of signature databases, and what addresses are taken to be.

CREATE TABLE device_signature (
    database_version UBIGINT NOT NULL,
    id               UINTEGER NOT NULL,
    maker            VARCHAR,
    name             VARCHAR NOT NULL,
    model            VARCHAR,
    kind             VARCHAR,
    level            UTINYINT NOT NULL,
    ports            VARCHAR NOT NULL,
    keywords         VARCHAR[] NOT NULL,
    weights          DOUBLE[] NOT NULL,
    version_pattern  VARCHAR,
    source           VARCHAR NOT NULL,
    loaded_at        TIMESTAMP NOT NULL
);
COMMENT ON TABLE device_signature IS 'Devices of every signature database that estimates were made with';
COMMENT ON COLUMN device_signature.database_version IS 'Hash of the database; another database has another one';
COMMENT ON COLUMN device_signature.id IS 'Number of the device within its database';
COMMENT ON COLUMN device_signature.maker IS 'Maker; null where many build the device';
COMMENT ON COLUMN device_signature.name IS 'Name of the device, unique with the maker in a database';
COMMENT ON COLUMN device_signature.model IS 'Model number; null if the signature does not tell';
COMMENT ON COLUMN device_signature.kind IS 'Kind: router, camera, printer ...';
COMMENT ON COLUMN device_signature.level IS '4 model, 3 maker and kind, 2 maker, 1 kind, 0 embedded web server or less';
COMMENT ON COLUMN device_signature.ports IS 'Ports open by default, as in a port expression; empty if unknown';
COMMENT ON COLUMN device_signature.keywords IS 'Regular expressions over the bytes of banners';
COMMENT ON COLUMN device_signature.weights IS 'Weight of each keyword, 0 to 1; they add up to at most 1';
COMMENT ON COLUMN device_signature.version_pattern IS 'Regular expression whose capture is the firmware version';
COMMENT ON COLUMN device_signature.source IS 'Where the signature comes from';
COMMENT ON COLUMN device_signature.loaded_at IS 'When it was loaded into this file, UTC';

CREATE TABLE device_estimate (
    address          UINTEGER NOT NULL,
    device           UINTEGER NOT NULL,
    score            DOUBLE NOT NULL,
    banner_score     DOUBLE NOT NULL,
    port_score       DOUBLE NOT NULL,
    keywords         VARCHAR NOT NULL,
    firmware_version VARCHAR,
    database_version UBIGINT NOT NULL,
    estimated_at     TIMESTAMP NOT NULL,
    scan_id          UINTEGER
);
COMMENT ON TABLE device_estimate IS 'Devices whose score reached the threshold, each with the time; an address may have several';
COMMENT ON COLUMN device_estimate.address IS 'Address, as a number; ip() prints it';
COMMENT ON COLUMN device_estimate.device IS 'device_signature.id of the same database_version';
COMMENT ON COLUMN device_estimate.score IS 'a * banner_score + (1 - a) * port_score';
COMMENT ON COLUMN device_estimate.banner_score IS 'S_b: weights of the keywords that matched, added up, 0 to 1';
COMMENT ON COLUMN device_estimate.port_score IS 'S_p: ports open and the device''s, of those that are either, 0 to 1';
COMMENT ON COLUMN device_estimate.keywords IS 'Which of the device''s keywords matched, numbers from 1, separated by commas';
COMMENT ON COLUMN device_estimate.firmware_version IS 'As the banner says; null if it does not';
COMMENT ON COLUMN device_estimate.database_version IS 'Hash of the signature database that was used';
COMMENT ON COLUMN device_estimate.estimated_at IS 'UTC';
COMMENT ON COLUMN device_estimate.scan_id IS 'scan.id of the banners; null if they came from elsewhere';
