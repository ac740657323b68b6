-- What must be true where promise and reality part. Every query returns the rows that break its promise.
--   now        the platform's present
--   since      how far back a broken promise without a record is still reported
--   patience   how late the job that attends to all this may be

-- name: I5 whoever lost a bay is compensated with a reason
SELECT lost.id AS reservation_id, lost.reason, event.happened_at
FROM reservations_reservationevent event
JOIN reservations_reservation lost ON lost.id = event.reservation_id
WHERE lost.status = 'RELEASED'
  AND event.to_status = 'RELEASED'
  AND event.happened_at >= %(since)s
  AND event.happened_at + %(patience)s < %(now)s
  AND NOT EXISTS (SELECT FROM fulfilment_brokenpromise broken WHERE broken.reservation_id = lost.id)
ORDER BY lost.id;

-- name: I5 a broken promise is one, and its replacement costs the same driver no more
SELECT broken.id AS broken_promise_id, lost.id AS reservation_id, lost.status, instead.id AS replacement_id
FROM fulfilment_brokenpromise broken
JOIN reservations_reservation lost ON lost.id = broken.reservation_id
LEFT JOIN reservations_reservation instead ON instead.id = broken.replacement_id
WHERE lost.status <> 'RELEASED'
   OR instead.driver_id <> lost.driver_id
   OR (instead.currency = lost.currency AND NOT EXISTS (
           SELECT FROM reservations_reservationevent event
           WHERE event.reservation_id = instead.id AND event.reason = 'EXTENDED'
       ) AND instead.price_cents > lost.price_cents)
ORDER BY broken.id;

-- name: I5 an overstay goes on only while its car is there
SELECT overstay.id AS overstay_id, overstay.reservation_id, stayed.status, gone.happened_at
FROM fulfilment_overstay overstay
JOIN reservations_reservation stayed ON stayed.id = overstay.reservation_id
CROSS JOIN LATERAL (
    SELECT max(happened_at) AS happened_at FROM reservations_reservationevent WHERE reservation_id = stayed.id
) AS gone
WHERE overstay.ended_at IS NULL
  AND stayed.status <> 'PARKED'
  AND gone.happened_at + %(patience)s < %(now)s
ORDER BY overstay.id;
