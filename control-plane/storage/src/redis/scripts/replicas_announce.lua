-- KEYS: live, the replica's entries. ARGV: replica, the last number ('': this is everything), lasting, channel, entries.
-- Returns this one's number, or nothing where everything has to be announced.
local last = redis.call('HGET', KEYS[2], 'number')
local number, all = nil, 0
if ARGV[2] == '' then
  number, all = after(last), 1
  redis.call('DEL', KEYS[2])
elseif last == ARGV[2] and is_alive(ARGV[1]) then
  number = tonumber(last) + 1
else
  return false
end
-- Text, for a number of a script may be cut short.
number = string.format('%.0f', number)
for _, entry in ipairs(cjson.decode(ARGV[5])) do
  if entry[2] == cjson.null then
    redis.call('HDEL', KEYS[2], '=' .. entry[1])
  else
    redis.call('HSET', KEYS[2], '=' .. entry[1], entry[2])
  end
end
redis.call('HSET', KEYS[2], 'number', number)
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[3])
redis.call('ZADD', LIVE, NOW + ARGV[3], ARGV[1])
-- What they held is swept while they are remembered no more.
redis.call('ZREMRANGEBYSCORE', LIVE, '-inf', NOW - 600000)
local head = 'announced ' .. ARGV[1] .. ' ' .. number .. ' ' .. all .. ' ' .. ARGV[3]
redis.call('SPUBLISH', ARGV[4], head .. '\n' .. ARGV[5])
return number
