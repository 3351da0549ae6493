-- Everything, as of one moment. -> noepoch <records>, or all <epoch> <rev> <operation> (id value)…
local m = redis.call('HMGET', META, 'epoch', 'rev')
if not m[1] then return {'noepoch', tostring(redis.call('HLEN', REG))} end
local rev = m[2] or '0'
local last = redis.call('XRANGE', LOG, rev .. '-1', rev .. '-1')
local out = {'all', m[1], tostring(rev), last[1] and last[1][2][6] or ''}
for _, each in ipairs(redis.call('HGETALL', REG)) do out[#out + 1] = each end
return out
