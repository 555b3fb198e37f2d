-- KEYS: meta, queued, ended, seen, tickets. ARGV: fence, since, keep_until, px, channel, then the id of each.
if redis.call('HGET', META, 'fence') ~= ARGV[1] then return {'lost'} end
local tickets, was = {}, {}
for i = 5, #KEYS do
  local seen = redis.call('ZSCORE', SEEN, ARGV[i + 1])
  local value = seen and tonumber(seen) <= tonumber(ARGV[2]) and redis.call('GET', KEYS[i])
  local order, _, nonce, record = parts(value or '')
  if order then
    local gone = 'G ' .. order .. ' ' .. ARGV[3] .. ' ' .. nonce .. '\n' .. record
    tickets[#tickets + 1] = {key = KEYS[i], id = ARGV[i + 1], value = gone}
    was[#was + 1] = value
  end
end
if #tickets == 0 then return {'done', '0'} end
return {'done', finish(tickets, ARGV[3], ARGV[4], ARGV[5]), unpack(was)}
