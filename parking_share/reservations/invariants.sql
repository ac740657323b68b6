-- What must be true at any time. Every query returns the rows that break its promise, so no rows is good news.
-- Statuses and the transition table come from states.py as parameters:
--   holds                 statuses that hold a space
--   may_from, may_to      the allowed transitions, two arrays of the same length
--   hold_reasons          reasons for which the held period alone may change
--   now                   the platform's present
--   since                 how far back a promise that was broken for good is still reported
--   lock_wait             longest time between reading the clock and getting a lock
--   patience              how late the periodic jobs may be
--   queue_patience        how long a request may wait for its decision

-- name: I1 no space is promised twice
SELECT one.space_id, one.id AS reservation_id, other.id AS other_reservation_id
FROM reservations_reservation one
JOIN reservations_reservation other ON other.space_id = one.space_id AND other.id > one.id
WHERE one.status = ANY(%(holds)s)
  AND other.status = ANY(%(holds)s)
  AND tstzrange(one.held_from, one.held_until) && tstzrange(other.held_from, other.held_until)
ORDER BY one.id, other.id;

-- name: I1 no car is in two places
SELECT one.reservation_id, other.reservation_id AS other_reservation_id
FROM reservations_reservationvehicle one
JOIN reservations_reservationvehicle other
  ON other.plate_exact_hash = one.plate_exact_hash AND other.id > one.id
WHERE one.is_held
  AND other.is_held
  AND tstzrange(one.held_from, one.held_until) && tstzrange(other.held_from, other.held_until)
ORDER BY one.id, other.id;

-- name: I1 a car is held exactly as its reservation is
SELECT reservation.id AS reservation_id, reservation.status, named.id AS vehicle_row_id, named.is_held
FROM reservations_reservation reservation
LEFT JOIN reservations_reservationvehicle named ON named.reservation_id = reservation.id
WHERE named.id IS NULL
   OR named.is_held <> (reservation.status = ANY(%(holds)s))
   OR (named.is_held AND (named.held_from, named.held_until) <> (reservation.held_from, reservation.held_until))
ORDER BY reservation.id, named.id;

-- name: I2 no slot of a lot is promised more often than it is shared
WITH promised AS (
    SELECT reservation.lot_id, slot.starts_at, count(*) AS reservations,
           min(reservation.decided_at) AS first_decided_at,
           max(greatest(reservation.decided_at, given.last_at)) AS last_decided_at
    FROM reservations_reservation reservation
    CROSS JOIN LATERAL (
        SELECT max(event.happened_at) AS last_at
        FROM reservations_reservationevent event
        WHERE event.reservation_id = reservation.id
          AND (event.to_space_id IS DISTINCT FROM event.from_space_id OR event.reason = 'EXTENDED')
    ) AS given
    CROSS JOIN LATERAL generate_series(
        date_bin('15 minutes', reservation.starts_at, 'epoch'), reservation.ends_at - interval '1 microsecond',
        '15 minutes'
    ) AS slot (starts_at)
    WHERE reservation.status = ANY(%(holds)s)
    GROUP BY reservation.lot_id, slot.starts_at
)
SELECT promised.lot_id, promised.starts_at AS slot_starts_at, promised.reservations, shared.spaces
FROM promised
CROSS JOIN LATERAL (
    SELECT count(DISTINCT space.id) AS spaces
    FROM spaces_space space
    JOIN spaces_sharewindow offered ON offered.space_id = space.id
    WHERE space.lot_id = promised.lot_id
      AND offered.starts_at < promised.starts_at + interval '15 minutes'
      AND offered.ends_at > promised.starts_at
      AND offered.created_at <= promised.last_decided_at + %(lock_wait)s
      AND (offered.superseded_at IS NULL OR offered.superseded_at >= promised.first_decided_at - %(lock_wait)s)
) AS shared
WHERE promised.reservations > shared.spaces
ORDER BY promised.lot_id, promised.starts_at;

-- A bay is given anew by a move, an extension or an early admission; what was over by then does not count any more.
-- name: I3 a space was shared for the whole period when it was given
SELECT event.reservation_id, event.id AS event_id, event.to_space_id AS space_id
FROM reservations_reservationevent event
JOIN reservations_reservation reservation ON reservation.id = event.reservation_id
CROSS JOIN LATERAL (
    SELECT least(coalesce(event.held_from, reservation.starts_at), reservation.starts_at) AS starts_at,
           coalesce(event.ends_at, reservation.ends_at) AS ends_at
) AS wanted
WHERE event.to_space_id IS NOT NULL
  AND (event.to_space_id IS DISTINCT FROM event.from_space_id OR event.reason IN ('EXTENDED', 'ADMITTED_EARLY'))
  AND NOT coalesce((
      SELECT range_agg(tstzrange(offered.starts_at, offered.ends_at))
             @> tstzrange(least(greatest(wanted.starts_at, event.happened_at), wanted.ends_at), wanted.ends_at)
      FROM spaces_sharewindow offered
      WHERE offered.space_id = event.to_space_id
        AND offered.created_at <= event.happened_at + %(lock_wait)s
        AND (offered.superseded_at IS NULL OR offered.superseded_at >= event.happened_at - %(lock_wait)s)
  ), false)
ORDER BY event.id;

-- name: I3 no two windows in force overlap
SELECT one.space_id, one.id AS window_id, other.id AS other_window_id
FROM spaces_sharewindow one
JOIN spaces_sharewindow other ON other.space_id = one.space_id AND other.id > one.id
WHERE one.superseded_at IS NULL
  AND other.superseded_at IS NULL
  AND tstzrange(one.starts_at, one.ends_at) && tstzrange(other.starts_at, other.ends_at)
ORDER BY one.id, other.id;

-- name: I4 every history is a legal path
WITH step AS (
    SELECT id, reservation_id, from_status, to_status, from_space_id, to_space_id, reason,
           lag(to_status, 1, '') OVER history AS status_before, lag(to_space_id) OVER history AS space_before
    FROM reservations_reservationevent
    WINDOW history AS (PARTITION BY reservation_id ORDER BY id)
)
SELECT step.reservation_id, step.id AS event_id, step.status_before, step.from_status, step.to_status
FROM step
WHERE step.from_status <> step.status_before
   OR step.from_space_id IS DISTINCT FROM step.space_before
   OR (step.to_status = ANY(%(holds)s)) <> (step.to_space_id IS NOT NULL)
   OR NOT (
       (step.from_status = '' AND step.to_status = 'REQUESTED')
       OR (step.from_status, step.to_status) IN (SELECT * FROM unnest(%(may_from)s::text[], %(may_to)s::text[]))
       OR (step.from_status = step.to_status AND step.from_space_id <> step.to_space_id)
       OR (step.from_status = step.to_status AND step.to_space_id IS NOT NULL AND step.reason = ANY(%(hold_reasons)s))
   )
ORDER BY step.id;

-- name: I4 every history ends in the present state
SELECT reservation.id AS reservation_id, reservation.status, latest.to_status AS recorded_status,
       reservation.space_id, latest.to_space_id AS recorded_space_id
FROM reservations_reservation reservation
LEFT JOIN LATERAL (
    SELECT to_status, to_space_id FROM reservations_reservationevent
    WHERE reservation_id = reservation.id ORDER BY id DESC LIMIT 1
) AS latest ON true
WHERE latest.to_status IS DISTINCT FROM reservation.status
   OR latest.to_space_id IS DISTINCT FROM reservation.space_id
ORDER BY reservation.id;

-- A driver who got no bay in time is told so and owes nothing (RELEASED); what is found here had neither.
-- name: I5 nobody waits for a bay after the start
SELECT id AS reservation_id, starts_at, decided_at
FROM reservations_reservation
WHERE status = 'ACCEPTED'
  AND greatest(starts_at, decided_at) + %(patience)s < %(now)s
ORDER BY id;

-- name: I5 no bay was announced after the start
SELECT event.reservation_id, event.id AS event_id, event.happened_at, reservation.starts_at
FROM reservations_reservationevent event
JOIN reservations_reservation reservation ON reservation.id = event.reservation_id
WHERE event.from_status = 'ACCEPTED'
  AND event.to_status = 'ASSIGNED'
  AND event.happened_at >= %(since)s
  AND event.happened_at > greatest(reservation.starts_at, reservation.decided_at) + %(patience)s
ORDER BY event.id;

-- name: I9 an idempotency key made one thing, for its own caller
SELECT known.id AS key_id, known.caller_id, known.reservation_id
FROM reservations_idempotencykey known
JOIN reservations_reservation reservation ON reservation.id = known.reservation_id
WHERE reservation.driver_id <> known.caller_id
   OR EXISTS (
       SELECT FROM reservations_idempotencykey again
       WHERE again.id <> known.id
         AND again.caller_id = known.caller_id
         AND (again.key = known.key OR again.reservation_id = known.reservation_id)
   )
ORDER BY known.id;

-- name: I9 no request is left without a decision
SELECT id AS reservation_id, lot_id, requested_at
FROM reservations_reservation
WHERE status = 'REQUESTED'
  AND requested_at + %(queue_patience)s < %(now)s
  AND NOT EXISTS (
      SELECT FROM reservations_reservationevent again
      WHERE again.reservation_id = reservations_reservation.id
        AND again.to_status = 'REQUESTED'
        AND again.happened_at + %(queue_patience)s >= %(now)s
  )
ORDER BY id;
