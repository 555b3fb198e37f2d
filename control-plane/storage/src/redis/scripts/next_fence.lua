-- KEYS: the newest fence. ARGV: now. The clock keeps fences growing where the newest ones were lost with the server.
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
local fence = string.format('%.0f', math.max(last + 1, tonumber(ARGV[1])))
redis.call('SET', KEYS[1], fence)
return fence
