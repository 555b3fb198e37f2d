-- KEYS: meta, queued. ARGV: fence, after, up to, count. Returns the newest change's number, then id and order of each ticket.
local meta = redis.call('HMGET', KEYS[1], 'fence', 'seq')
if meta[1] ~= ARGV[1] then return false end
local page = redis.call('ZRANGE', KEYS[2], ARGV[2], ARGV[3], 'BYSCORE', 'LIMIT', 0, ARGV[4], 'WITHSCORES')
table.insert(page, 1, meta[2] or '0')
return page
