-- Ends the leases whose time is over. When nobody swept for a while nobody could renew a lease either: that time does
-- not count, and every lease is moved by it. ARGV epoch channel pauseMs most -> ok <number>, noepoch, epoch
local no = refusal(ARGV[1], '', '0')
if no then return no end
local t = now()
local swept = tonumber(redis.call('HGET', META, 'swept') or t)
redis.call('HSET', META, 'swept', t)
if t - swept > tonumber(ARGV[3]) then
  local leases = redis.call('ZRANGE', TTL, 0, -1)
  for _, id in ipairs(leases) do redis.call('ZINCRBY', TTL, t - swept, id) end
end
local ended = redis.call('ZRANGEBYSCORE', TTL, '-inf', t, 'LIMIT', 0, ARGV[4])
for _, id in ipairs(ended) do
  if redis.call('HEXISTS', REG, id) == 1 then
    advance(ARGV[1], id, '3', 'ended:' .. t, ARGV[2])
    drop(id)
  else
    redis.call('ZREM', TTL, id)
  end
end
return {'ok', tostring(#ended)}
