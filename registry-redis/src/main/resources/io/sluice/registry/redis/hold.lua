-- Says that a replica holds a newer registry than Redis does, and asks which replica holds the newest.
-- KEYS 6 the holders. ARGV node rev ttlMs -> ok <node>
redis.call('ZADD', KEYS[6], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[6], ARGV[3])
return {'ok', redis.call('ZREVRANGE', KEYS[6], 0, 0)[1]}
