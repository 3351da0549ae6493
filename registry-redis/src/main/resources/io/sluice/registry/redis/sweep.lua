-- Ends the leases whose time is over. ARGV epoch channel pauseMs most -> ok <number>, noepoch, epoch
local no = refusal(ARGV[1], '', '0')
if no then return no end
local t = leaseTime()
redis.call('HSET', META, 'swept', t, 'pause', ARGV[3])
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
