-- KEYS: meta, queued. ARGV: now, then ids. Returns the report ('' for none), then how many tickets stand before each (-1: not queued).
local meta = redis.call('HMGET', KEYS[1], 'until', 'report')
local lasts = meta[1] and tonumber(meta[1]) > tonumber(ARGV[1])
local before = {}
for i = 2, #ARGV do before[i - 1] = redis.call('ZRANK', KEYS[2], ARGV[i]) or -1 end
return {lasts and meta[2] or '', before}
