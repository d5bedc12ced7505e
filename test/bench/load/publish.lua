-- wrk's side of the bench: POSTs one event per request. Arguments: key, data, and a prefix when each event is to have a
-- caller's id of its own. Prints what came of it as one line of JSON.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. args[1]
  data = args[2]
  prefix = args[3]
  sent = 0
  wrk.body = '{"type":"bench.event","data":' .. data .. "}"
  if prefix == nil then
    local whole = wrk.format()
    request = function() return whole end
  else
    request = function()
      sent = sent + 1
      return wrk.format(nil, nil, nil,
        '{"type":"bench.event","id":"' .. prefix .. number .. "-" .. sent .. '","data":' .. data .. "}")
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format('{"requests":%d,"tookUs":%d,"refused":%d,"failed":%d,"p50Us":%d,"p99Us":%d}',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
