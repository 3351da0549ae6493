-- What changed since a revision, all as of one moment. ARGV epoch rev operation most
-- -> same <rev>, changes <rev> <operation> <ms since the first> (d id value)…, gap <rev>,
--    noepoch, epoch <epoch> <rev> <prev>, behind <rev>, diverged <rev>
local m = redis.call('HMGET', META, 'epoch', 'rev', 'prev')
if not m[1] then return {'noepoch', ''} end
local rev = tonumber(m[2] or '0')
if m[1] ~= ARGV[1] then return {'epoch', m[1], tostring(rev), m[3] or ''} end
local mine = tonumber(ARGV[2])
if rev < mine then return {'behind', tostring(rev)} end
if mine > 0 and ARGV[3] ~= '' then -- the same number must mean the same change
  local last = redis.call('XRANGE', LOG, mine .. '-1', mine .. '-1')
  if last[1] and last[1][2][6] ~= ARGV[3] then return {'diverged', tostring(rev)} end
end
if rev == mine then return {'same', tostring(rev)} end
if rev - mine > tonumber(ARGV[4]) then return {'gap', tostring(rev)} end
local entries = redis.call('XRANGE', LOG, '(' .. mine .. '-1', '+')
if #entries ~= rev - mine then return {'gap', tostring(rev)} end
local since = tonumber(entries[1][2][8] or now())
local out = {'changes', tostring(rev), entries[#entries][2][6], tostring(math.max(0, now() - since))}
for _, entry in ipairs(entries) do
  local id, d = entry[2][2], entry[2][4]
  out[#out + 1] = d
  out[#out + 1] = id
  out[#out + 1] = d ~= '2' and redis.call('HGET', REG, id) or ''
end
return out
