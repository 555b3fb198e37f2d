-- ARGV: id, attempt.
local id = ARGV[1]
local it = read(id)
if not it or it.attempt ~= ARGV[2] then return 0 end
if it.stage == 'F' then
  remove(id, it)
elseif it.stage == 'A' then
  it.stage, it.attempt = 'O', '-'
  write(id, it)
end
return 1
