-- Renews a lease for its whole time, which is no revision. ARGV id epoch -> ok, none, noepoch, epoch
local no = refusal(ARGV[2], '', '0')
if no then return no end
local value = redis.call('HGET', REG, ARGV[1])
if not value then return {'none', ''} end
local _, _, ttl = head(value)
if ttl == 0 then return {'none', ''} end
redis.call('ZADD', TTL, leaseTime() + ttl, ARGV[1])
return {'ok', ''}
