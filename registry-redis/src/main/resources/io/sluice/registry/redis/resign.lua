-- Gives a job back. KEYS 6 the lease. ARGV owner -> ok
if redis.call('HGET', KEYS[6], 'owner') == ARGV[1] then redis.call('DEL', KEYS[6]) end
return {'ok', ''}
