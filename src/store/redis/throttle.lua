-- One throttle, as a generic cell rate algorithm. KEYS[1]: when its whole allowance is there again, in microseconds.
-- ARGV: now and interval in microseconds, how many intervals may be taken at once, what to keep it for beyond that
-- moment in milliseconds, and how many uses to count: 1, or -1 to give one back.
-- Gives how many microseconds too early a use is; 0: counted.
local now, interval, burst, slack = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full_at = tonumber(redis.call('GET', KEYS[1]) or 0)
if ARGV[5] == '-1' then
  full_at = full_at - interval
else
  full_at = math.max(full_at, now) + interval
  local early = full_at - now - burst
  if early > 0 then return string.format('%.0f', early) end
end
local life = math.max(full_at - now, 0) / 1000 + slack
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', life))
return '0'
