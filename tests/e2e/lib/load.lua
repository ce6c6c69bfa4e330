-- SPDX-License-Identifier: Apache-2.0
-- What wrk asks for: mostly quick requests, some that take a while, some hundred a second. At the end one line:
-- requests, then errors of connect, read, write, timeout, and answers that are not 2xx or 3xx.
local asked = 0

function delay()
	return 3
end

function request()
	asked = asked + 1
	return wrk.format("GET", asked % 25 == 0 and "/slow?ms=250" or "/version")
end

function done(summary)
	local errors = summary.errors
	io.write(string.format("load %d connect %d read %d write %d timeout %d status %d\n", summary.requests,
		errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
