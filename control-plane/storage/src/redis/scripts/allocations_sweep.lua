-- ARGV: now, ids. Forgets those of them whose time is over; returns how many.
local count = 0
for i = 2, #ARGV do
  local at = redis.call('ZSCORE', EXPIRY, ARGV[i])
  if at and tonumber(at) <= tonumber(ARGV[1]) then
    local it = read(ARGV[i])
    if it then remove(ARGV[i], it) else redis.call('ZREM', EXPIRY, ARGV[i]) end
    count = count + 1
  end
end
return count
