-- Store a batch of events. One row comes back for each, in order. See storing.py.
WITH
sent AS (
    SELECT *
    FROM unnest(
        %(key_hashes)s::uuid[], %(source_keys)s::text[], %(devices)s::text[], %(kinds)s::text[],
        %(reported)s::timestamptz[], %(observed)s::timestamptz[], %(sequences)s::bigint[],
        %(clocks_off)s::boolean[], %(replayed)s::boolean[], %(towards)s::boolean[],
        %(occupied)s::integer[], %(states)s::text[], %(confidences)s::float8[],
        %(plates)s::bytea[], %(exact_hashes)s::bytea[], %(folded_hashes)s::bytea[],
        %(colours)s::text[], %(media)s::text[]
    ) WITH ORDINALITY AS sent (
        key_hash, source_key, device, kind_sent, reported_at, observed_at, sequence,
        clock_is_off, is_replayed, is_towards, occupied, state_text, confidence,
        plate_encrypted, plate_exact_hash, plate_folded_hash, plate_colour, media_ref, place
    )
),

-- whose device it is, where it stands, and what a camera's PASS means in its lane
located AS (
    SELECT
        sent.*, device.id AS device_id, device.lot_id, device.gate_id, device.space_id,
        permitted.lot_id IS NOT NULL AS is_permitted,
        CASE
            WHEN sent.kind_sent <> 'PASS' THEN sent.kind_sent
            WHEN gate.kind = 'ENTRY' OR (gate.kind = 'BOTH' AND sent.is_towards) THEN 'ENTER'
            WHEN gate.kind = 'EXIT' OR (gate.kind = 'BOTH' AND NOT sent.is_towards) THEN 'EXIT'
            ELSE 'PASS'
        END AS kind
    FROM sent
    LEFT JOIN sensors_device AS device
        ON device.gateway_id = %(gateway)s AND device.identifier = sent.device AND device.is_active
    LEFT JOIN sensors_gateway_lots AS permitted
        ON permitted.gateway_id = %(gateway)s AND permitted.lot_id = device.lot_id
    LEFT JOIN spaces_gate AS gate ON gate.id = device.gate_id
),

judged AS (
    SELECT
        *,
        CASE
            WHEN device_id IS NULL THEN 'unknown_device'
            WHEN NOT is_permitted THEN 'foreign_lot'
            WHEN kind IN ('ENTER', 'EXIT', 'PASS') AND gate_id IS NULL THEN 'wrong_place'
            WHEN kind IN ('OCCUPIED', 'VACANT', 'CLOSED') AND space_id IS NULL THEN 'wrong_place'
            WHEN kind = 'COUNT' AND space_id IS NOT NULL THEN 'wrong_place'
        END AS problem,
        CASE kind WHEN 'OCCUPIED' THEN 'OCCUPIED' WHEN 'VACANT' THEN 'FREE' WHEN 'CLOSED' THEN 'CLOSED' END AS state
    FROM located
),

-- what comes twice is stored once
unheard AS (
    INSERT INTO sensors_knownkey (gateway_id, key_hash, received_at)
    SELECT %(gateway)s, key_hash, %(received)s FROM judged WHERE problem IS NULL ORDER BY key_hash
    ON CONFLICT DO NOTHING
    RETURNING key_hash
),

fresh AS MATERIALIZED (SELECT judged.* FROM judged JOIN unheard USING (key_hash)),

reading AS (
    INSERT INTO sensors_reading (
        gateway_id, device_id, lot_id, gate_id, space_id, raw_message_id, source_key, kind, observed_at, sequence,
        reported_at, received_at, clock_is_off, is_replayed, occupied, state_text, confidence
    )
    SELECT
        %(gateway)s, device_id, lot_id, gate_id, space_id, %(raw_message)s::bigint, source_key, kind, observed_at, sequence,
        reported_at, %(received)s, clock_is_off, is_replayed, occupied, state_text, confidence
    FROM fresh
    RETURNING id, source_key
),

plate AS (
    INSERT INTO sensors_plateread (
        reading_id, lot_id, observed_at, plate_encrypted, plate_exact_hash, plate_folded_hash, plate_colour, media_ref,
        forget_at
    )
    SELECT
        reading.id, lot_id, observed_at, plate_encrypted, plate_exact_hash, plate_folded_hash, plate_colour, media_ref,
        %(forget)s
    FROM fresh JOIN reading USING (source_key)
    WHERE plate_encrypted IS NOT NULL
    RETURNING id, reading_id
),

-- of each bay the newest word, and the newest sign of life; a bay heard of without a word is UNKNOWN
newest AS (
    SELECT DISTINCT ON (space_id)
        space_id, device_id, key_hash,
        coalesce(state, 'UNKNOWN') AS state,
        CASE WHEN state IS NULL THEN timestamptz '1970-01-01 00:00+00' ELSE observed_at END AS observed_at,
        CASE WHEN state IS NULL THEN 0 ELSE sequence END AS sequence,
        CASE WHEN state IS NULL THEN uuid '00000000-0000-0000-0000-000000000000' ELSE key_hash END AS tie_break,
        max(observed_at) OVER (PARTITION BY space_id) AS heard_at
    FROM fresh
    WHERE space_id IS NOT NULL
    ORDER BY space_id, state IS NULL, fresh.observed_at DESC, fresh.sequence DESC, key_hash DESC
),

bay AS (
    INSERT INTO sensors_baystate AS old (
        space_id, device_id, state, observed_at, sequence, tie_break, since, heard_at
    )
    SELECT space_id, device_id, state, observed_at, sequence, tie_break, observed_at, heard_at
    FROM newest
    ORDER BY space_id
    ON CONFLICT (space_id) DO UPDATE SET
        (device_id, state, observed_at, sequence, tie_break, since) = (
            SELECT excluded.device_id, excluded.state, excluded.observed_at, excluded.sequence, excluded.tie_break,
                CASE WHEN excluded.state = old.state THEN old.since ELSE excluded.observed_at END
            WHERE (excluded.observed_at, excluded.sequence, excluded.tie_break)
                > (old.observed_at, old.sequence, old.tie_break)
            UNION ALL
            SELECT old.device_id, old.state, old.observed_at, old.sequence, old.tie_break, old.since
            WHERE (excluded.observed_at, excluded.sequence, excluded.tie_break)
                <= (old.observed_at, old.sequence, old.tie_break)
        ),
        heard_at = greatest(old.heard_at, excluded.heard_at)
    WHERE (excluded.observed_at, excluded.sequence, excluded.tie_break)
        > (old.observed_at, old.sequence, old.tie_break)
        OR excluded.heard_at > old.heard_at
    RETURNING tie_break, since, observed_at
),

-- what fulfilment has to look at
outbox AS (
    INSERT INTO sensors_outboxrow (
        reading_id, kind, lot_id, gate_id, space_id, plate_read_id, observed_at, received_at, is_replayed, tries
    )
    SELECT
        reading.id, fresh.kind, fresh.lot_id, fresh.gate_id, fresh.space_id, plate.id, fresh.observed_at,
        %(received)s, fresh.is_replayed, 0
    FROM fresh
    JOIN reading USING (source_key)
    LEFT JOIN plate ON plate.reading_id = reading.id
    LEFT JOIN bay ON bay.tie_break = fresh.key_hash AND bay.since = bay.observed_at
    WHERE bay.tie_break IS NOT NULL OR (fresh.kind IN ('ENTER', 'EXIT') AND fresh.plate_encrypted IS NOT NULL)
    ORDER BY fresh.observed_at, fresh.sequence, fresh.key_hash
),

-- what came too late for the quarters of an hour that are rolled up already
late AS (
    INSERT INTO sensors_staleslot (lot_id, space_id, from_at, until_at)
    SELECT lot_id, space_id, min(observed_at), max(observed_at)
    FROM fresh
    WHERE kind <> 'PASS'
        AND observed_at < date_bin('15 minutes', %(now)s::timestamptz, timestamptz '2000-01-01 00:00+00')
    GROUP BY lot_id, space_id
),

-- a hint for people, at most once a minute; whoever else writes it at this moment writes the same
device AS (
    UPDATE sensors_device
    SET heard_at = %(received)s, clock_off_s = talked.clock_off_s
    FROM (
        SELECT device.id, clock.clock_off_s
        FROM sensors_device AS device
        JOIN (
            SELECT
                device_id,
                extract(epoch FROM max(
                    least(reported_at - %(received)s, interval '60 years')
                ) FILTER (WHERE clock_is_off))::integer AS clock_off_s
            FROM fresh GROUP BY device_id
        ) AS clock ON clock.device_id = device.id
        WHERE device.heard_at IS NULL OR device.heard_at < %(received)s::timestamptz - interval '1 minute'
        ORDER BY device.id
        FOR NO KEY UPDATE OF device SKIP LOCKED
    ) AS talked
    WHERE sensors_device.id = talked.id
),

message AS (
    UPDATE sensors_rawmessage SET state = 'READ', complaint = '' WHERE id = %(raw_message)s::bigint
)

SELECT
    judged.problem, judged.kind, judged.device_id, judged.lot_id, judged.gate_id, judged.space_id,
    reading.id, plate.id
FROM judged
LEFT JOIN reading ON reading.source_key = judged.source_key
LEFT JOIN plate ON plate.reading_id = reading.id
ORDER BY judged.place
