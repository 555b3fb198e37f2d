-- KEYS: queues, newest generation. ARGV: queue, dead, limit. Returns the queue's generation; nothing where there are too many.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and tonumber(known) > tonumber(ARGV[2]) then return known end
if not known and ARGV[3] ~= '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return false end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local generation = string.format('%.0f', math.max(last, tonumber(ARGV[2])) + 1)
redis.call('SET', KEYS[2], generation)
redis.call('HSET', KEYS[1], ARGV[1], generation)
return generation
