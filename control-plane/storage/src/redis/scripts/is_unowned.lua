-- KEYS: meta, queued. ARGV: now. Whether the queue has tickets and no owner.
if redis.call('ZCARD', KEYS[2]) == 0 then return 0 end
local lasts = redis.call('HGET', KEYS[1], 'until')
return lasts and tonumber(lasts) > tonumber(ARGV[1]) and 0 or 1
