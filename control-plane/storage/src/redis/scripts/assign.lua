-- KEYS: meta, queued, ended, seen, tickets. ARGV: fence, nonce of this call, keep_until, px, channel, then id and assignment of each.
if redis.call('HGET', META, 'fence') ~= ARGV[1] then return {'lost'} end
local tickets, was, gone, done = {}, {}, {}, 0
for i = 5, #KEYS do
  local id, assignment = ARGV[2 * i - 4], ARGV[2 * i - 3]
  local value = redis.call('GET', KEYS[i])
  local order, _, nonce, record = parts(value or '')
  if order then
    local head = 'A ' .. order .. ' ' .. ARGV[3] .. ' ' .. nonce .. ' ' .. ARGV[2]
    tickets[#tickets + 1] = {key = KEYS[i], id = id, value = head .. '\n' .. record .. '\n' .. assignment}
    was[#was + 1] = value
  elseif value and string.match(value, '^A %d+ %d+ %w+ (%w+)\n') == ARGV[2] then
    done = done + 1
  else
    gone[#gone + 1] = id
  end
end
-- This very call, sent again after its answer was lost.
if done > 0 and done == #KEYS - 4 then return {'done', '0'} end
if #gone > 0 then return {'gone', unpack(gone)} end
if #tickets == 0 then return {'done', '0'} end
return {'done', finish(tickets, ARGV[3], ARGV[4], ARGV[5]), unpack(was)}
