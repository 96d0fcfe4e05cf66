-- Schema 10: which ports answered, kept apart from the replies: a start reads this, and only the replies since.

CREATE TABLE open_tcp_port (
    address UINTEGER NOT NULL,
    port    USMALLINT NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE open_tcp_port IS 'Every TCP port that answered with SYN-ACK, once for each address; replies since the last gathering are not in it yet';
COMMENT ON COLUMN open_tcp_port.address IS 'IPv4 address as a number';
COMMENT ON COLUMN open_tcp_port.port IS 'TCP port';
COMMENT ON COLUMN open_tcp_port.seen_at IS 'When it last answered, UTC';
