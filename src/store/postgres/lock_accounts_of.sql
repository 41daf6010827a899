SELECT 1 FROM accounts WHERE id = ANY (ARRAY(
    SELECT unnest($1::BYTEA[])
    UNION ALL SELECT account FROM credentials WHERE id = ANY ($2)
    UNION ALL SELECT account FROM contacts WHERE id = ANY ($2)
)) ORDER BY id FOR NO KEY UPDATE
