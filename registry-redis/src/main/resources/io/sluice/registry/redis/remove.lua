-- Removes one record, or all of a group as one change. KEYS 6 the operation.
-- ARGV id expect(-1 any) group(0|1) - operation rememberMs epoch job token channel known
-- -> ok|dup <rev>|0, none, conflict <rev>, noepoch, epoch, fenced, behind
local done = redis.call('GET', KEYS[6])
if done then return {'dup', done} end
local no = refusal(ARGV[7], ARGV[8], ARGV[9]) or older(ARGV[11])
if no then return no end
local ids = {}
local rev = 0
if ARGV[3] == '1' then
  if redis.call('HEXISTS', GRP, 'n:' .. ARGV[1]) == 1 then
    for _, id in ipairs(redis.call('HKEYS', REG)) do
      if group(id) == ARGV[1] then
        ids[#ids + 1] = id
        rev = math.max(rev, (head(redis.call('HGET', REG, id))))
      end
    end
  end
else
  local old = redis.call('HGET', REG, ARGV[1])
  if old then
    ids[1] = ARGV[1]
    rev = head(old)
  end
end
local expect = tonumber(ARGV[2])
if expect >= 0 and expect ~= rev then return {'conflict', tostring(rev)} end
if #ids == 0 then return {'none', ''} end
rev = advance(ARGV[7], ARGV[1], ARGV[3] == '1' and '2' or '1', ARGV[5], ARGV[10])
for _, id in ipairs(ids) do drop(id) end
redis.call('SET', KEYS[6], rev .. '|0', 'PX', ARGV[6])
return {'ok', rev .. '|0'}
