-- Charges what a replica has spent of budgets that all share, and says what is left of them. A budget is one number
-- (GCRA): when it would be full again if nothing more were taken, in microseconds of Redis' own clock; then who spent of
-- it last and since when that has been the same replica.
-- KEYS 1 names the slot, 2… the budgets. ARGV replica, then for each budget: calls, and in microseconds what one costs,
-- the burst and how long ago the first was spent
-- -> the time in microseconds, then for each budget: microseconds until it is full again, and 1 when others spend of it too
local CONTESTED, FRESH = 1000000, 100000
local now = redis.call('TIME')
local t = now[1] * 1000000 + now[2]
local out = {t}
for i = 2, #KEYS do
  local at = 2 + (i - 2) * 4
  local calls, cost, burst, age = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local full, who, since = string.match(redis.call('GET', KEYS[i]) or '', '^([%d.]+)|([^|]*)|([%d.]+)$')
  full, since = tonumber(full or '0'), tonumber(since or '0')
  -- A replica that speaks late may have spent before others did. What was spent too much while nobody could ask here
  -- is forgiven; otherwise it is owed, but never more than two bursts: the clock may have been set back.
  local most = age > CONTESTED and math.max(full, t + burst) or t + 2 * burst + CONTESTED
  full = math.min(math.max(full, t - age) + calls * cost, most, t + 2 * burst + CONTESTED)
  if not who then
    since = t - CONTESTED + FRESH
  elseif who ~= ARGV[1] then
    since = t
  end
  local left = math.max(0, full - t)
  redis.call('SET', KEYS[i], string.format('%.2f|%s|%.0f', full, ARGV[1], since),
    'PX', math.ceil((left + 2 * CONTESTED) / 1000))
  out[#out + 1] = math.ceil(left)
  out[#out + 1] = math.abs(t - since) < CONTESTED and 1 or 0
end
return out
