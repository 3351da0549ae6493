-- A sum over all records that does not depend on their order. -> ok <epoch> <rev> <sum>
local m = redis.call('HMGET', META, 'epoch', 'rev')
local sum = 0
local all = redis.call('HGETALL', REG)
for i = 1, #all, 2 do
  sum = (sum + tonumber(string.sub(redis.sha1hex(all[i] .. '\n' .. all[i + 1]), 1, 12), 16)) % 281474976710656
end
return {'ok', m[1] or '', m[2] or '0', string.format('%.0f', sum)}
