-- What policies must never do. Every query returns the rows that break its promise, so no rows is good news.
--   since                 how far back a promise that was broken for good is still reported

-- name: A1 no policy moves who was told a bay, has begun or is pinned
SELECT event.reservation_id, event.id AS event_id, event.to_status, event.happened_at
FROM reservations_reservationevent event
WHERE event.reason = 'REARRANGED'
  AND event.happened_at >= %(since)s
  AND (
      event.from_status <> 'ACCEPTED'
      OR event.to_status <> 'ACCEPTED'
      OR event.held_from <= event.happened_at
      OR EXISTS (
          SELECT FROM allocation_pin pin
          WHERE pin.reservation_id = event.reservation_id
            AND pin.pinned_at < event.happened_at
            AND (pin.lifted_at IS NULL OR pin.lifted_at > event.happened_at)
      )
  )
ORDER BY event.id;

-- name: A2 what staff overruled waits for its round or has its answer
SELECT overruling.id AS overruling_id, overruling.reservation_id, reservation.status
FROM allocation_overruling overruling
JOIN reservations_reservation reservation ON reservation.id = overruling.reservation_id
WHERE overruling.settled_at IS NULL
  AND reservation.status NOT IN ('REQUESTED', 'CANCELLED')
ORDER BY overruling.id;
