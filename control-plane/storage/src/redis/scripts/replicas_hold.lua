-- KEYS: live, held, term, the replica's entries. ARGV: server, replica, '-' or '+' and the instance, lasting.
-- Who holds something lives. Where it was taken for gone, it is to announce everything again.
if not is_alive(ARGV[2]) then
  redis.call('DEL', KEYS[4])
  redis.call('ZADD', LIVE, NOW + ARGV[4], ARGV[2])
end

-- By bytes: Lua compares by the server's language.
local function is_older(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local term, holder, instance = holder_of(redis.call('HGET', KEYS[2], ARGV[1]))
if holder and is_alive(holder) then
  local has_agent = instance ~= '-'
  if has_agent and (ARGV[3] == '-' or is_older(ARGV[3], instance)) then
    return {'superseded', string.sub(instance, 2)}
  end
  if ARGV[3] == '-' then
    return holder == ARGV[2] and {'held', term} or {'elsewhere', holder}
  end
end
local new = string.format('%.0f', after(redis.call('GET', KEYS[3])))
redis.call('SET', KEYS[3], new)
redis.call('HSET', KEYS[2], ARGV[1], new .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
return {'held', new}
