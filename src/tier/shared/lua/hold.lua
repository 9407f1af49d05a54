-- Holds slots. ARGV: origin, id, span in ms, kind (w: a write is on its way, d: its outcome is unknown), slots.
local origin, id, span, kind = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local expiry = now() + tonumber(span)
local epoch = redis.call('HGET', clock, 'e')
local moved = ''
for i = 7, #ARGV do
  hold(ARGV[i], id, expiry, kind)
  if kind == 'd' and epoch and ARGV[i] == '0' then
    epoch = renew(epoch)
  end
end
if kind == 'd' then
  for i = 7, #ARGV do
    if epoch and ARGV[i] ~= '0' then
      moved = moved .. move(ARGV[i])
    else
      moved = moved .. ' ' .. ARGV[i] .. '=0'
    end
  end
  tell(origin, epoch or '-', span, moved)
end
return 1
