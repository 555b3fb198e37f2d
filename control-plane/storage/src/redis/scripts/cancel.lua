-- KEYS: meta, queued, ended, seen, ticket. ARGV: id, keep_until, px, channel, tombstone px.
local value = redis.call('GET', KEYS[5])
if not value or string.sub(value, 1, 1) == 'V' then return false end
local order, _, nonce, record = parts(value)
if not order then return {value} end
local cancelled = 'C ' .. order .. ' ' .. ARGV[2] .. ' ' .. nonce .. '\n' .. record
local first = finish({{key = KEYS[5], id = ARGV[1], value = cancelled}}, ARGV[2], ARGV[3], ARGV[4])
return {cancelled, first, close(KEYS[1], KEYS[2], ARGV[5])}
