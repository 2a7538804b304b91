-- What wrk asks, and what it tells of the answers.
-- Arguments: method, path, body, number of items, credential. `{number}` in the path stands for any tracking number.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  local method, path, body, items, credential = args[1], args[2], args[3], tonumber(args[4]), args[5]
  wrk.headers["Host"] = "bench.test"
  wrk.headers["Authorization"] = credential
  if body ~= "" then
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = body
  end

  -- Written in advance: writing each one when it is sent would take time from the servers.
  math.randomseed(os.time() + number)
  prepared = {}
  for at = 1, path:find("{number}", 1, true) and 5000 or 1 do
    local any = string.format("20260101-%010d", math.random(0, items - 1))
    prepared[at] = wrk.format(method, (path:gsub("{number}", any)))
  end
end

function request()
  return prepared[math.random(#prepared)]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("measured %d %d %d %d %d",
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
