-- Gives a job to one replica for a time, or renews it. The token grows whenever the job changes hands, also after Redis
-- lost everything, because it is at least the time. KEYS 6 the lease. ARGV job owner ttlMs epoch
-- -> ok <token>, taken <owner>, noepoch, epoch
local no = refusal(ARGV[4], '', '0')
if no then return no end
local t = now()
local l = redis.call('HMGET', KEYS[6], 'owner', 'exp', 'tok', 'ttl')
local held = l[1] and tonumber(l[2]) > t
if held and tonumber(l[2]) - t > tonumber(l[4] or ARGV[3]) then -- the clock was set back: a whole term from now
  redis.call('HSET', KEYS[6], 'exp', t + (l[4] or ARGV[3]))
  redis.call('PEXPIRE', KEYS[6], (l[4] or ARGV[3]) * 2)
end
if held and l[1] ~= ARGV[2] then return {'taken', l[1]} end
local token = l[3]
if not held then
  token = math.max(t, tonumber(redis.call('HGET', META, 'f:' .. ARGV[1]) or '0') + 1)
  redis.call('HSET', META, 'f:' .. ARGV[1], token)
end
redis.call('HSET', KEYS[6], 'owner', ARGV[2], 'exp', t + ARGV[3], 'tok', token, 'ttl', ARGV[3])
redis.call('PEXPIRE', KEYS[6], ARGV[3] * 2)
return {'ok', tostring(token)}
