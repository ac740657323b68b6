-- Roll up the wanted pairs of lot and quarter of an hour; one row comes back for each that changed. See rollups.py.
--
-- At any instant a bay is what its newest word says, unless its newest sign of life is more than two heartbeats old:
-- then it is unknown. A counter likewise. Lengths are whole microseconds, so that the same facts give the same bits.
WITH
wanted AS MATERIALIZED (
    SELECT lot.id AS lot_id, lot.capacity, pair.starts_at, pair.starts_at + interval '15 minutes' AS ends_at
    FROM unnest(%(lots)s::bigint[], %(slots)s::timestamptz[]) AS pair (lot_id, starts_at)
    JOIN spaces_lot AS lot ON lot.id = pair.lot_id
),

-- what each bay and counter said: the newest before the slot, the newest word before that, and all within the slot
told AS MATERIALIZED (
    SELECT 'BAYS' AS source, wanted.*, space.id AS subject, said.*
    FROM wanted
    JOIN spaces_space AS space ON space.lot_id = wanted.lot_id
    CROSS JOIN LATERAL (
        WITH newest AS (
            SELECT device_id, kind, observed_at, sequence, source_key, occupied, state_text FROM sensors_reading
            WHERE space_id = space.id AND observed_at <= starts_at
            ORDER BY observed_at DESC, sequence DESC, sensors_tie_break(source_key) DESC LIMIT 1
        )
        SELECT * FROM newest
        UNION ALL
        (SELECT device_id, kind, observed_at, sequence, source_key, occupied, state_text FROM sensors_reading
            WHERE space_id = space.id AND observed_at <= starts_at AND kind <> 'HEARTBEAT'
                AND (SELECT kind = 'HEARTBEAT' FROM newest)
            ORDER BY observed_at DESC, sequence DESC, sensors_tie_break(source_key) DESC LIMIT 1)
        UNION ALL
        SELECT device_id, kind, observed_at, sequence, source_key, occupied, state_text FROM sensors_reading
        WHERE space_id = space.id AND observed_at > starts_at AND observed_at < ends_at
    ) AS said
    UNION ALL
    SELECT 'COUNTER', wanted.*, -device.id, said.*
    FROM wanted
    JOIN sensors_device AS device ON device.lot_id = wanted.lot_id AND device.space_id IS NULL
    CROSS JOIN LATERAL (
        SELECT device_id, kind, observed_at, sequence, source_key, occupied, state_text FROM sensors_reading
        WHERE device_id = device.id AND kind = 'COUNT' AND lot_id = wanted.lot_id AND observed_at < ends_at
        ORDER BY observed_at DESC LIMIT 1
    ) AS counted
    CROSS JOIN LATERAL (
        (SELECT device_id, kind, observed_at, sequence, source_key, occupied, state_text FROM sensors_reading
            WHERE device_id = device.id AND kind = 'COUNT' AND lot_id = wanted.lot_id AND observed_at <= starts_at
            ORDER BY observed_at DESC, sequence DESC, sensors_tie_break(source_key) DESC LIMIT 1)
        UNION ALL
        (SELECT device_id, kind, observed_at, sequence, source_key, occupied, state_text FROM sensors_reading
            WHERE lot_id = wanted.lot_id AND space_id IS NULL AND device_id = device.id AND kind <> 'COUNT'
                AND observed_at <= starts_at AND observed_at >= starts_at - %(remembered)s
            ORDER BY observed_at DESC, sequence DESC, sensors_tie_break(source_key) DESC LIMIT 1)
        UNION ALL
        SELECT device_id, kind, observed_at, sequence, source_key, occupied, state_text FROM sensors_reading
        WHERE lot_id = wanted.lot_id AND space_id IS NULL AND device_id = device.id
            AND observed_at > starts_at AND observed_at < ends_at
    ) AS said
    WHERE counted.observed_at >= ends_at - %(remembered)s
),

-- watched is what gave a sign of life within a week
watched AS MATERIALIZED (
    SELECT source, lot_id, starts_at, ends_at, capacity, subject, max(observed_at) AS newest_at
    FROM told
    GROUP BY source, lot_id, starts_at, ends_at, capacity, subject
    HAVING max(observed_at) >= ends_at - %(remembered)s
),

-- the finest that a lot has: its bays, else a counter, else its gates
chosen AS MATERIALIZED (
    SELECT wanted.*, coalesce(
        finest.source,
        CASE
            WHEN EXISTS (SELECT FROM sensors_device WHERE lot_id = wanted.lot_id AND gate_id IS NOT NULL) THEN 'GATES'
            WHEN EXISTS (SELECT FROM sensors_stay WHERE lot_id = wanted.lot_id) THEN 'GATES'
            WHEN EXISTS (SELECT FROM sensors_device WHERE lot_id = wanted.lot_id AND space_id IS NOT NULL) THEN 'BAYS'
            ELSE 'COUNTER'
        END
    ) AS source
    FROM wanted
    LEFT JOIN (SELECT lot_id, starts_at, min(source) AS source FROM watched GROUP BY lot_id, starts_at) AS finest
        USING (lot_id, starts_at)
),
subject AS MATERIALIZED (
    SELECT watched.* FROM watched JOIN chosen USING (lot_id, starts_at, source)
),

device AS MATERIALIZED (
    SELECT id, heartbeat_s * interval '2 seconds' AS patience FROM sensors_device
    WHERE id IN (SELECT DISTINCT device_id FROM told)
),

-- from each word to the next; `word_number` ties a sign of life to the word before it
heard AS (
    SELECT
        told.lot_id, starts_at, ends_at, subject, kind, state_text, observed_at, sequence,
        sensors_tie_break(source_key) AS tie_break, patience,
        CASE kind WHEN 'OCCUPIED' THEN 1 WHEN 'VACANT' THEN 0 WHEN 'CLOSED' THEN 0 WHEN 'COUNT' THEN occupied END AS cars
    FROM told
    JOIN device ON device.id = told.device_id
    WHERE (subject, starts_at) IN (SELECT subject, starts_at FROM subject)
),
spoken AS (
    SELECT
        *,
        lead(observed_at, 1, ends_at) OVER in_order AS next_at,
        count(*) FILTER (WHERE kind IN ('OCCUPIED', 'VACANT', 'CLOSED', 'COUNT')) OVER in_order AS word_number
    FROM heard
    WINDOW in_order AS (
        PARTITION BY subject, starts_at ORDER BY observed_at, sequence, tie_break
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),
said AS (
    SELECT
        lot_id, starts_at, subject,
        greatest(observed_at, starts_at) AS from_at, least(next_at, observed_at + patience) AS until_at,
        first_value(kind) OVER same_word AS kind,
        first_value(cars) OVER same_word AS cars,
        first_value(state_text) OVER same_word AS state_text
    FROM spoken
    WHERE word_number > 0
    WINDOW same_word AS (PARTITION BY subject, starts_at, word_number ORDER BY observed_at, sequence, tie_break)
),
piece AS MATERIALIZED (
    SELECT *, round(date_part('epoch', until_at - from_at) * 1000000)::bigint AS length_us FROM said
    WHERE until_at > from_at
    UNION ALL
    SELECT chosen.lot_id, starts_at, met.id, met.from_at, met.until_at, 'STAY', 1, '',
        round(date_part('epoch', met.until_at - met.from_at) * 1000000)::bigint
    FROM chosen
    CROSS JOIN LATERAL (
        SELECT id, greatest(began_at, starts_at) AS from_at, least(ended_at, ends_at) AS until_at FROM sensors_stay
        WHERE lot_id = chosen.lot_id AND tstzrange(began_at, ended_at, '[)') && tstzrange(starts_at, ends_at)
            AND (ended_at IS NOT NULL OR began_at > starts_at - %(longest_stay)s)
        OFFSET 0
    ) AS met
    WHERE source = 'GATES'
),

-- the most cars that stood at once
level AS (
    SELECT lot_id, starts_at, sum(sum(change)) OVER (PARTITION BY lot_id, starts_at ORDER BY at) AS cars
    FROM (
        SELECT lot_id, starts_at, from_at AS at, cars AS change FROM piece WHERE cars > 0
        UNION ALL
        SELECT lot_id, starts_at, until_at, -cars FROM piece WHERE cars > 0
    ) AS step
    GROUP BY lot_id, starts_at, at
),
most AS (SELECT lot_id, starts_at, max(cars) AS cars FROM level GROUP BY lot_id, starts_at),

-- a counter that said one number for too long; small lots, and empty or full ones, may well stand still for a night
stuck AS (
    SELECT DISTINCT lot_id, starts_at
    FROM subject
    CROSS JOIN LATERAL (
        SELECT occupied FROM sensors_reading
        WHERE device_id = -subject.subject AND kind = 'COUNT' AND lot_id = subject.lot_id AND observed_at < ends_at
        ORDER BY observed_at DESC, sequence DESC, sensors_tie_break(source_key) DESC LIMIT 1
    ) AS newest
    CROSS JOIN LATERAL (
        SELECT ends_at - CASE
            WHEN capacity < %(small)s OR newest.occupied = 0 OR newest.occupied = capacity THEN %(stuck_long)s
            ELSE %(stuck)s
        END AS since
    ) AS judged
    CROSS JOIN LATERAL (
        SELECT occupied FROM sensors_reading
        WHERE device_id = -subject.subject AND kind = 'COUNT' AND lot_id = subject.lot_id
            AND observed_at <= judged.since AND observed_at >= judged.since - %(remembered)s
        ORDER BY observed_at DESC, sequence DESC, sensors_tie_break(source_key) DESC LIMIT 1
    ) AS before
    WHERE source = 'COUNTER' AND before.occupied = newest.occupied AND newest_at > judged.since
        AND NOT EXISTS (
            SELECT FROM sensors_reading
            WHERE device_id = -subject.subject AND kind = 'COUNT' AND lot_id = subject.lot_id
                AND observed_at > judged.since AND observed_at < ends_at
                AND occupied IS DISTINCT FROM newest.occupied
        )
),

spent AS (
    SELECT
        lot_id, starts_at, subject,
        sum(length_us) AS known_us,
        sum(length_us) FILTER (WHERE kind = 'CLOSED') AS closed_us,
        sum(length_us) FILTER (WHERE cars IS NULL) AS worded_us,
        sum(length_us) FILTER (WHERE cars IS NOT NULL) AS counted_us,
        sum(length_us * cars) AS car_us
    FROM piece GROUP BY lot_id, starts_at, subject
),
summed AS (
    SELECT
        chosen.lot_id, starts_at, source, chosen.capacity,
        count(subject.subject) AS subjects,
        count(subject.subject) * 900000000 AS watched_us,
        coalesce(sum(known_us), 0) AS known_us,
        coalesce(sum(closed_us), 0) AS closed_us,
        coalesce(sum(worded_us), 0) > coalesce(sum(counted_us), 0) AS is_words,
        CASE source
            WHEN 'COUNTER' THEN CASE WHEN count(counted_us) = count(*) THEN sum(car_us / counted_us) END
            WHEN 'BAYS' THEN CASE WHEN count(known_us) > 0 THEN sum(car_us) / 900000000 END
        END AS cars,
        max(newest_at) AS newest_at
    FROM chosen
    LEFT JOIN subject USING (lot_id, starts_at, source)
    LEFT JOIN spent USING (lot_id, starts_at, subject)
    WHERE source <> 'GATES'
    GROUP BY chosen.lot_id, starts_at, source, chosen.capacity
    UNION ALL
    SELECT
        chosen.lot_id, starts_at, source, capacity, NULL, 1, 1, 0, false,
        coalesce((SELECT sum(length_us) FROM piece
            WHERE piece.lot_id = chosen.lot_id AND piece.starts_at = chosen.starts_at), 0) / 900000000,
        (SELECT observed_at FROM sensors_reading
            WHERE lot_id = chosen.lot_id AND space_id IS NULL AND observed_at < ends_at AND kind <> 'PASS'
            ORDER BY observed_at DESC LIMIT 1)
    FROM chosen WHERE source = 'GATES'
),
rolled AS (
    SELECT
        summed.lot_id, starts_at, source,
        CASE
            WHEN is_words THEN 'WORDS'
            WHEN stuck.lot_id IS NOT NULL AND summed.cars IS NOT NULL THEN 'STUCK'
            ELSE 'GOOD'
        END AS quality,
        CASE source WHEN 'BAYS' THEN subjects ELSE capacity END AS bays,
        CASE WHEN NOT is_words THEN summed.cars END::float8 AS mean_occupied,
        CASE WHEN NOT is_words AND summed.cars IS NOT NULL
            THEN greatest(coalesce(most.cars, 0), ceil(summed.cars)) END AS most_occupied,
        CASE WHEN watched_us = 0 THEN 1 ELSE (watched_us - known_us)::float8 / watched_us END AS unknown_share,
        CASE WHEN watched_us = 0 THEN 0 ELSE closed_us::float8 / watched_us END AS closed_share,
        CASE WHEN is_words THEN (
            SELECT state_text FROM piece
            WHERE piece.lot_id = summed.lot_id AND piece.starts_at = summed.starts_at AND piece.cars IS NULL
            ORDER BY until_at DESC, subject LIMIT 1
        ) ELSE '' END AS state_text,
        newest_at
    FROM summed
    LEFT JOIN most USING (lot_id, starts_at)
    LEFT JOIN stuck USING (lot_id, starts_at)
)
INSERT INTO sensors_occupancyslot AS old (
    lot_id, starts_at, source, quality, bays, mean_occupied, most_occupied, unknown_share, closed_share, state_text,
    newest_reading_at, rolled_at
)
SELECT rolled.*, %(now)s FROM rolled ORDER BY lot_id, starts_at
ON CONFLICT (lot_id, starts_at) DO UPDATE SET
    (source, quality, bays, mean_occupied, most_occupied, unknown_share, closed_share, state_text, newest_reading_at,
        rolled_at)
    = (excluded.source, excluded.quality, excluded.bays, excluded.mean_occupied, excluded.most_occupied,
        excluded.unknown_share, excluded.closed_share, excluded.state_text, excluded.newest_reading_at,
        excluded.rolled_at)
WHERE old.source <> 'IMPORTED'
    -- what was rolled up from readings that are gone by now stays as it was
    AND (old.source = 'GATES' OR old.starts_at >= %(readings_since)s)
    AND (old.source, old.quality, old.bays, old.mean_occupied, old.most_occupied, old.unknown_share,
        old.closed_share, old.state_text, old.newest_reading_at)
    IS DISTINCT FROM (excluded.source, excluded.quality, excluded.bays, excluded.mean_occupied,
        excluded.most_occupied, excluded.unknown_share, excluded.closed_share, excluded.state_text,
        excluded.newest_reading_at)
RETURNING lot_id, starts_at
