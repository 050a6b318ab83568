-- Checks every response: a wrong status or body length is a failure, however fast it was.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  expected = tonumber(args[1])
  failures = 0
  wrk.headers['Connection'] = args[2]
end

function response(status, headers, body)
  if status ~= 200 or #body ~= expected then failures = failures + 1 end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  for _, thread in ipairs(threads) do failed = failed + thread:get('failures') end
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"p50Us":%d,"p99Us":%d,"failures":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), failed))
end
