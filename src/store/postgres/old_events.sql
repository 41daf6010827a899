WITH gone AS (
    DELETE FROM events WHERE id = ANY (ARRAY(
        SELECT id FROM events WHERE realm = $1 AND lasting = $2 AND at < $3 ORDER BY at, id LIMIT $4
        FOR UPDATE SKIP LOCKED))
    RETURNING 1
) SELECT count(*) FROM gone
