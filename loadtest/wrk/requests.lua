-- One script for every case: sends the method to a path whose `{}` becomes a random number, with a random body of a
-- file (one body on each line), and prints one line of JSON when done.
-- Arguments after `--`: method, path, highest random number, file of bodies or ''.
-- Requests are formatted once, before the clock starts: only the random number is put in for each of them.

local heads, tails, highest = {}, {}, 1

local function prepare(method, path, body)
  local request = wrk.format(method, path, nil, body)
  local first, last = string.find(request, '{}', 1, true)
  if first and first <= #method + 1 + #path then
    heads[#heads + 1] = string.sub(request, 1, first - 1)
    tails[#tails + 1] = string.sub(request, last + 1)
  else
    heads[#heads + 1] = request
    tails[#tails + 1] = false
  end
end

function init(args)
  local method, path, bodies = args[1], args[2], args[4]
  highest = tonumber(args[3])
  math.randomseed(os.time())
  if bodies == '' then
    prepare(method, path, nil)
  else
    for body in io.lines(bodies) do prepare(method, path, body) end
  end
end

function request()
  local which = #heads == 1 and 1 or math.random(#heads)
  local tail = tails[which]
  if tail then return heads[which] .. math.random(highest) .. tail end
  return heads[which]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
