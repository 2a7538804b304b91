-- What wrk asks, and what it tells of the answers.
-- Arguments: method, path, body, number of items, credential. In path and body, `{number}` stands for any tracking
-- number, `{transport}` for any transport, `{batch}` for any open batch, and `{loose}` for an item that nobody named before.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

-- As seed.sql makes them.
local stand_for = {
  number = function(items) return string.format("20260101-%010d", math.random(0, items - 1)) end,
  transport = function(items)
    local n = math.random(0, math.floor(items / 100) - 1)
    local time = 1767225600000 + n * 1000
    return string.format("%08x-%04x-7000-8000-%012x", math.floor(time / 65536), time % 65536, n)
  end,
  batch = function(items)
    local n = math.random(math.floor(items / 50) * 4, math.floor((items + 9) / 10) - 1)
    return "20260101-" .. string.rep("a", 10 - #tostring(n)) .. n
  end,
  loose = function()
    local loose = string.format("20251201-%010d", next_loose)
    -- There are two threads.
    next_loose = next_loose + 2
    return loose
  end,
}

local function filled(text, items)
  return (text:gsub("{(%a+)}", function(name) return stand_for[name](items) end))
end

function init(args)
  method, path, body, items = args[1], args[2], args[3], tonumber(args[4])
  wrk.headers["Host"] = "bench.test"
  wrk.headers["Authorization"] = args[5]
  if body ~= "" then
    wrk.headers["Content-Type"] = "application/json"
  end

  math.randomseed(os.time() + number)
  next_loose = number
  -- Written in advance: writing each one when it is sent would take time from the servers.
  prepared = {}
  if not body:find("{loose}", 1, true) then
    for at = 1, (path:find("{", 1, true)) and 5000 or 1 do
      prepared[at] = written()
    end
  end
end

function written()
  return wrk.format(method, filled(path, items), nil, body ~= "" and filled(body, items) or nil)
end

function request()
  if #prepared == 0 then
    return written()
  end
  return prepared[math.random(#prepared)]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("measured %d %d %d %d %d",
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
