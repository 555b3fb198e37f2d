-- KEYS: live. Returns each live replica, and how many milliseconds it has left.
local answer = redis.call('ZRANGE', LIVE, string.format('(%.0f', NOW), '+inf', 'BYSCORE', 'WITHSCORES')
for i = 2, #answer, 2 do
  answer[i] = string.format('%.0f', tonumber(answer[i]) - NOW)
end
return answer
