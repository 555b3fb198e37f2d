-- KEYS: meta. ARGV: worker, fence, now, until, generation, channel.
local meta = redis.call('HMGET', KEYS[1], 'fence', 'until', 'generation', 'dead')
if meta[1] == ARGV[2] then return {'claimed'} end
if meta[1] and tonumber(meta[2]) > tonumber(ARGV[3]) then return {'owned'} end
if meta[1] and tonumber(meta[1]) > tonumber(ARGV[2]) then return {'older'} end
if not meta[3] then
  local dead = meta[4] or '0'
  if ARGV[5] == '' or tonumber(ARGV[5]) <= tonumber(dead) then return {'unregistered', dead} end
  redis.call('HSET', KEYS[1], 'generation', ARGV[5])
  redis.call('PERSIST', KEYS[1])
end
redis.call('HDEL', KEYS[1], 'report')
redis.call('HSET', KEYS[1], 'worker', ARGV[1], 'fence', ARGV[2], 'until', ARGV[4])
redis.call('SPUBLISH', ARGV[6], 'lease\n' .. ARGV[2])
return {'claimed'}
