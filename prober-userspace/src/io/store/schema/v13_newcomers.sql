-- Schema 13: how often the addresses of a network come and go, which the predictive scheme learns, outlives a restart.

CREATE TABLE watch_network (
    network UINTEGER NOT NULL,
    came USMALLINT NOT NULL);
COMMENT ON TABLE watch_network IS 'Networks in which more addresses began to answer than answer now, by what the predictive scheme has learnt; saved every hour and at the end';
COMMENT ON COLUMN watch_network.network IS 'First address of the /24';
COMMENT ON COLUMN watch_network.came IS 'Addresses that began to answer, those that have gone since counting half as much every 28 days';
