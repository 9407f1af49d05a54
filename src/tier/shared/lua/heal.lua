-- Ends holds that have expired, as their writers' outcome is unknown: their slots move. ARGV: slots.
-- Told in nobody's name, since no process has taken these steps in its own memory.
local epoch = redis.call('HGET', clock, 'e')
local time = now()
local due, holds, moved = {}, {}, ''
for i = 3, #ARGV do
  local kept, dropped = filter(ARGV[i], function(_, expiry) return expiry > time end)
  if dropped > 0 then
    due[#due + 1] = ARGV[i]
    holds[ARGV[i]] = kept
  end
end
if #due == 0 then
  return 0
end
if epoch and holds['0'] then
  epoch = renew(epoch)
  moved = ' 0=0'
end
for _, slot in ipairs(due) do
  if epoch and slot ~= '0' then
    moved = moved .. move(slot)
  end
end
for _, slot in ipairs(due) do
  write(slot, holds[slot])
end
tell('0', epoch or '-', 0, moved)
return #due
