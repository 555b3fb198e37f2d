-- KEYS: ended, tickets. ARGV: now, then the id of each. Returns how many were forgotten, then the first lines of their values.
local heads, forgotten = {}, 0
for i = 2, #KEYS do
  local keep_until = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if keep_until and tonumber(keep_until) <= tonumber(ARGV[1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
    forgotten = forgotten + 1
    local value = redis.call('GET', KEYS[i])
    if value and string.sub(value, 1, 1) ~= 'V' then
      heads[#heads + 1] = ARGV[i]
      heads[#heads + 1] = string.match(value, '^[^\n]*')
      redis.call('UNLINK', KEYS[i])
    end
  end
end
return {tostring(forgotten), unpack(heads)}
