-- KEYS: meta, queued, ended, seen, tickets. ARGV: fence, now, keep_until, px, channel, then the id of each.
if redis.call('HGET', META, 'fence') ~= ARGV[1] then return {'lost'} end
local tickets, was = {}, {}
for i = 5, #KEYS do
  local value = redis.call('GET', KEYS[i])
  local order, expires_at, nonce, record = parts(value or '')
  if order and tonumber(expires_at) <= tonumber(ARGV[2]) then
    local expired = 'E ' .. order .. ' ' .. ARGV[3] .. ' ' .. nonce .. '\n' .. record
    tickets[#tickets + 1] = {key = KEYS[i], id = ARGV[i + 1], value = expired}
    was[#was + 1] = value
  end
end
if #tickets == 0 then return {'done', '0'} end
return {'done', finish(tickets, ARGV[3], ARGV[4], ARGV[5]), unpack(was)}
