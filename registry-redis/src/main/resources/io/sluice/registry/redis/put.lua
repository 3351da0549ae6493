-- Adds or replaces one record. KEYS 6 the operation.
-- ARGV id expect(-1 any) body ttl operation rememberMs epoch job token channel known
-- -> ok|dup <rev>|<since>, conflict <rev>, noepoch, epoch, fenced, behind
local done = redis.call('GET', KEYS[6])
if done then return {'dup', done} end
local no = refusal(ARGV[7], ARGV[8], ARGV[9]) or older(ARGV[11])
if no then return no end
local old = redis.call('HGET', REG, ARGV[1])
local rev = old and head(old) or 0
local expect = tonumber(ARGV[2])
if expect >= 0 and expect ~= rev then return {'conflict', tostring(rev)} end
rev = advance(ARGV[7], ARGV[1], '0', ARGV[5], ARGV[10])
local since = store(ARGV[1], rev, ARGV[4], ARGV[3])
redis.call('SET', KEYS[6], rev .. '|' .. since, 'PX', ARGV[6])
return {'ok', rev .. '|' .. since}
