-- Shares of bays, and how many of them ended on time: see returns.py for the words.
-- Parameters: spaces, now, since (may be null).
WITH used AS (
    -- from when until when a reservation had its car in a bay: parked there, or moved there while parked
    SELECT came.to_space_id AS space_id, came.reservation_id, came.happened_at AS began_at,
           CASE WHEN went.reason = 'PRESUMED_LEFT' THEN least(went.happened_at, went.ends_at)
                ELSE coalesce(went.happened_at, %(now)s) END AS ended_at
    FROM reservations_reservationevent came
    LEFT JOIN LATERAL (
        SELECT later.happened_at, later.reason, later.ends_at
        FROM reservations_reservationevent later
        WHERE later.reservation_id = came.reservation_id
          AND later.id > came.id
          AND later.to_space_id IS DISTINCT FROM came.to_space_id
        ORDER BY later.id
        LIMIT 1
    ) AS went ON true
    WHERE came.to_space_id = ANY(%(spaces)s::bigint[])
      AND came.to_status = 'PARKED'
      AND (came.from_status <> 'PARKED' OR came.from_space_id <> came.to_space_id)
), stood AS (
    -- what a sensor or a gate knows better: a stay or an overstay in that bay that lasted longer
    SELECT used.space_id, used.began_at,
           greatest(used.ended_at, stays.ended_at, overstays.ended_at) AS ended_at
    FROM used
    LEFT JOIN LATERAL (
        SELECT max(coalesce(stay.ended_at, %(now)s)) AS ended_at
        FROM sensors_stay stay
        WHERE stay.reservation_id = used.reservation_id
          AND stay.space_id = used.space_id
          AND stay.source = 'BAY_SENSOR'
    ) AS stays ON true
    LEFT JOIN LATERAL (
        SELECT max(coalesce(overstay.ended_at, %(now)s)) AS ended_at
        FROM fulfilment_overstay overstay
        WHERE overstay.reservation_id = used.reservation_id AND overstay.space_id = used.space_id
    ) AS overstays ON true
), share AS (
    SELECT offered.id, offered.space_id,
           bool_and(stood.ended_at <= offered.ends_at + space.return_margin_min * interval '1 minute') AS is_on_time
    FROM spaces_sharewindow offered
    JOIN spaces_space space ON space.id = offered.space_id
    JOIN stood ON stood.space_id = offered.space_id
              AND stood.began_at < offered.ends_at
              AND stood.ended_at > offered.starts_at
    WHERE offered.space_id = ANY(%(spaces)s::bigint[])
      AND offered.superseded_at IS NULL
      AND offered.ends_at <= %(now)s
      AND (%(since)s::timestamptz IS NULL OR offered.ends_at >= %(since)s)
    GROUP BY offered.id, offered.space_id
)
SELECT space_id, count(*) AS shares, count(*) FILTER (WHERE is_on_time) AS on_time
FROM share
GROUP BY space_id
ORDER BY space_id
