-- ARGV: topic. Returns the time in ms, and the moment that was vouched for; 0 if none was, or in another era.
local era, said = unpack(redis.call('HMGET', clock, 'g', 'u' .. ARGV[3]))
local moment = '0'
if era and said and string.sub(said, 1, #era + 1) == era .. ':' then
  moment = string.sub(said, #era + 2)
end
return { string.format('%.0f', now()), moment }
