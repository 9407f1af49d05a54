-- Says up to when the clock has moved for what a topic is about. ARGV: topic, and the moment in ms, or 0 if nobody says so any more.
-- Returns 1 if it was noted: a clock without an epoch has no past to speak of.
local topic, moment = 'u' .. ARGV[3], ARGV[4]
if moment == '0' then
  return redis.call('HDEL', clock, topic)
end
if not redis.call('HGET', clock, 'e') then
  return 0
end
local era = redis.call('HGET', clock, 'g')
if not era then
  era = fresh
  redis.call('HSET', clock, 'g', era)
end
redis.call('HSET', clock, topic, era .. ':' .. moment)
return 1
