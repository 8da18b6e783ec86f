-- GET /participant/{id}/inbound, each feed once: the cache has none of them.
local next = 1000

request = function()
    next = next + 1
    return wrk.format("GET", "/participant/" .. next .. "/inbound")
end
