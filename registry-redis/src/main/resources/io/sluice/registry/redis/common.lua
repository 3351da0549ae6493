-- What the scripts of the registry share; it stands before each of them.
--
-- KEYS  1 meta  HASH    epoch, rev, prev (the epoch before), swept and pause (when leases were
--                         last looked at, and how much later that is too late), f:<job> (newest fencing token)
--       2 reg   HASH    <kind>/<id> -> <rev>|<since>|<ttl in ms, 0 = stays>|<body>
--       3 log   STREAM  id <rev>-1, fields: id, d (0 put, 1 deleted, 2 group deleted, 3 lease ended), o (operation),
--                         t (when, in ms of Redis' own clock)
--       4 ttl   ZSET    <kind>/<id> -> when the lease ends, in ms of Redis' own clock
--       5 grp   HASH    n:<group> number of records, s:<group> revision since which there has been one
--
-- Lua is not rolled back on an error: whatever may fail comes before the first write, and XADD, which refuses a
-- revision that runs backwards, is the first write.

local META, REG, LOG, TTL, GRP = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local LOGGED = 10000

local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The time, for leases. When nobody looked at them for a while nobody could renew one either: that time does not count,
-- and every lease is moved by it. So is it when the clock was set, forwards or back. Comes before any change of a lease.
local function leaseTime()
  local t = now()
  local m = redis.call('HMGET', META, 'swept', 'pause')
  local swept = tonumber(m[1] or t)
  if t < swept or t - swept > tonumber(m[2] or '5000') then
    for _, id in ipairs(redis.call('ZRANGE', TTL, 0, -1)) do redis.call('ZINCRBY', TTL, t - swept, id) end
    redis.call('HSET', META, 'swept', t)
  end
  return t
end

-- The parts of one backend belong together: backend/<name> and backend/<name>/<instance>.
local function group(id)
  return string.match(id, '^(backend/[^/]+)') or ''
end

local function head(value)
  local rev, since, ttl = string.match(value, '^(%d+)|(%d+)|(%d+)|')
  return tonumber(rev), tonumber(since), tonumber(ttl)
end

-- Why a change under this epoch and this leadership is refused, or nil.
local function refusal(epoch, job, token)
  local m = redis.call('HMGET', META, 'epoch', 'f:' .. job)
  if not m[1] then return {'noepoch', ''} end
  if m[1] ~= epoch then return {'epoch', m[1]} end
  if job ~= '' and tonumber(token) < tonumber(m[2] or '0') then return {'fenced', m[2]} end
  return nil
end

-- Whether Redis is older than what the asker has seen: then a change would begin a second history.
local function older(known)
  local rev = redis.call('HGET', META, 'rev') or '0'
  return tonumber(rev) < tonumber(known) and {'behind', rev} or nil
end

-- Begins the next revision.
local function advance(epoch, id, deleted, operation, channel)
  local rev = tonumber(redis.call('HGET', META, 'rev') or '0') + 1
  redis.call('XADD', LOG, 'MAXLEN', '~', LOGGED, rev .. '-1', 'id', id, 'd', deleted, 'o', operation,
    't', now())
  redis.call('HSET', META, 'rev', rev)
  redis.call('PUBLISH', channel, epoch .. ':' .. rev)
  return rev
end

local function store(id, rev, ttl, body)
  local since = rev
  local old = redis.call('HGET', REG, id)
  local g = group(id)
  if old then
    local _, s = head(old)
    since = s
  elseif g ~= '' then
    if redis.call('HINCRBY', GRP, 'n:' .. g, 1) == 1 then
      redis.call('HSET', GRP, 's:' .. g, rev)
    else
      since = tonumber(redis.call('HGET', GRP, 's:' .. g) or rev)
    end
  end
  redis.call('HSET', REG, id, rev .. '|' .. since .. '|' .. ttl .. '|' .. body)
  if tonumber(ttl) > 0 then
    redis.call('ZADD', TTL, leaseTime() + ttl, id)
  else
    redis.call('ZREM', TTL, id)
  end
  return since
end

local function drop(id)
  if redis.call('HDEL', REG, id) == 0 then return end
  redis.call('ZREM', TTL, id)
  local g = group(id)
  if g ~= '' and redis.call('HINCRBY', GRP, 'n:' .. g, -1) <= 0 then
    redis.call('HDEL', GRP, 'n:' .. g, 's:' .. g)
  end
end

