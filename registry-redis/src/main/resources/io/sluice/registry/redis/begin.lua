-- Gives an empty Redis its first epoch. ARGV epoch -> ok <epoch>
if not redis.call('HGET', META, 'epoch') then
  redis.call('HSET', META, 'epoch', ARGV[1], 'rev', redis.call('HGET', META, 'rev') or '0', 'schema', '1')
end
return {'ok', redis.call('HGET', META, 'epoch')}
