('x' || encode(sha256(record_send(row({values}))), 'hex'))::bit(64)::bigint
