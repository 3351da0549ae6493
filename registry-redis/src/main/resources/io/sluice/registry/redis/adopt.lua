-- Writes a replica's registry back under a new epoch, provided Redis is as it was when that was decided.
-- KEYS 6 the holders. ARGV seenEpoch('' none) seenRev epoch prev rev channel replace(0|1) (id value)…
-- replace: Redis is an older state of the same registry; else: it is another registry, and what it has is kept,
-- where it is newer. -> ok <rev>, moved
local m = redis.call('HMGET', META, 'epoch', 'rev')
if (m[1] or '') ~= ARGV[1] or (m[2] or '0') ~= ARGV[2] then return {'moved', ''} end
if ARGV[7] == '1' then redis.call('DEL', REG) end
for i = 8, #ARGV, 2 do
  local old = redis.call('HGET', REG, ARGV[i])
  if not old or head(old) < head(ARGV[i + 1]) then redis.call('HSET', REG, ARGV[i], ARGV[i + 1]) end
end
local rev = math.max(tonumber(ARGV[2]), tonumber(ARGV[5])) + 1
redis.call('DEL', LOG, TTL, GRP, KEYS[6])
local t = now()
local all = redis.call('HGETALL', REG)
for i = 1, #all, 2 do
  local _, since, ttl = head(all[i + 1])
  if ttl > 0 then redis.call('ZADD', TTL, t + ttl, all[i]) end
  local g = group(all[i])
  if g ~= '' then
    redis.call('HINCRBY', GRP, 'n:' .. g, 1)
    local s = redis.call('HGET', GRP, 's:' .. g)
    if not s or tonumber(s) > since then redis.call('HSET', GRP, 's:' .. g, since) end
  end
end
redis.call('XADD', LOG, rev .. '-1', 'id', '', 'd', '0', 'o', 'adopted:' .. ARGV[3])
redis.call('HSET', META, 'epoch', ARGV[3], 'prev', ARGV[4], 'rev', rev, 'swept', t, 'schema', '1')
redis.call('PUBLISH', ARGV[6], ARGV[3] .. ':' .. rev)
return {'ok', tostring(rev)}
