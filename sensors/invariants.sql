-- What must be true of events and bays. Every query returns the rows that break its promise.
--   now                   the platform's present
--   since                 how far back events are looked at
--   readings_since        the beginning of the oldest month whose readings are kept
--   queue_patience        how long a message may wait to be read, and an event to be looked at

-- name: I8 a bay is what its readings say
SELECT bay.space_id, bay.state, bay.observed_at, bay.heard_at, word.kind AS newest_word, word.observed_at AS word_at,
       heard.newest_at
FROM sensors_baystate bay
LEFT JOIN LATERAL (
    SELECT kind, observed_at, sequence,
           encode(substring(sha256(convert_to(source_key, 'UTF8')) FOR 16), 'hex')::uuid AS tie_break
    FROM sensors_reading
    WHERE space_id = bay.space_id AND kind IN ('OCCUPIED', 'VACANT', 'CLOSED')
    ORDER BY observed_at DESC, sequence DESC, sha256(convert_to(source_key, 'UTF8')) DESC LIMIT 1
) AS word ON true
LEFT JOIN LATERAL (
    SELECT max(observed_at) AS newest_at FROM sensors_reading WHERE space_id = bay.space_id
) AS heard ON true
WHERE CASE
    WHEN word.kind IS NULL THEN bay.state <> 'UNKNOWN' AND bay.observed_at >= %(readings_since)s
    ELSE (bay.state, bay.observed_at, bay.sequence, bay.tie_break)
        <> (CASE word.kind WHEN 'VACANT' THEN 'FREE' ELSE word.kind END, word.observed_at, word.sequence, word.tie_break)
    END
   OR bay.since > bay.observed_at
   OR CASE
    WHEN heard.newest_at IS NULL THEN bay.heard_at >= %(readings_since)s
    ELSE bay.heard_at <> heard.newest_at
    END
ORDER BY bay.space_id;

-- name: I8 a bay that was heard of has a state
SELECT space.id AS space_id
FROM spaces_space space
WHERE NOT EXISTS (SELECT FROM sensors_baystate bay WHERE bay.space_id = space.id)
  AND EXISTS (SELECT FROM sensors_reading reading WHERE reading.space_id = space.id)
ORDER BY space.id;

-- name: I9 an event is stored once
SELECT gateway_id, source_key, count(*) AS readings
FROM sensors_reading
WHERE observed_at >= %(since)s
GROUP BY gateway_id, source_key
HAVING count(*) > 1
ORDER BY gateway_id, source_key;

-- name: I9 a key that is known has its event
SELECT known.gateway_id, known.key_hash, known.received_at
FROM sensors_knownkey known
WHERE known.received_at >= %(since)s
  AND NOT EXISTS (
      SELECT FROM sensors_reading reading
      WHERE reading.gateway_id = known.gateway_id
        AND encode(substring(sha256(convert_to(reading.source_key, 'UTF8')) FOR 16), 'hex')::uuid = known.key_hash
  )
ORDER BY known.gateway_id, known.received_at;

-- name: I9 no event waits to be looked at
SELECT id AS outbox_row_id, kind, lot_id, received_at, tries
FROM sensors_outboxrow
WHERE received_at + %(queue_patience)s < %(now)s
ORDER BY id;

-- name: I9 no message waits to be read
SELECT id AS message_id, gateway_id, received_at, tries
FROM sensors_rawmessage
WHERE state = 'NEW'
  AND received_at + %(queue_patience)s < %(now)s
ORDER BY id;
