-- Schema 11: the times of late slots, which were too large for the numbers of slots.

CREATE OR REPLACE VIEW congestion AS
SELECT c.cluster_id, c.medium, c.networks, CASE WHEN s.weekend THEN 'weekend' ELSE 'working day' END AS day,
       printf('%02d:%02d', s.slot::INTEGER * 1440 // c.slots // 60, s.slot::INTEGER * 1440 // c.slots % 60) AS local_time,
       s.load, s.load_low, s.load_high, s.answers, s.limit_pps, s.others_bits_s
FROM slot_congestion AS s JOIN cluster AS c USING (cluster_id);
COMMENT ON VIEW congestion IS 'Load by cluster and local time; ORDER BY cluster_id, day, local_time';
