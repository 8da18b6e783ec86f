-- GET /participant/{id}/inbound of few feeds, which are cached after the first.
request = function()
    return wrk.format("GET", "/participant/" .. math.random(500) .. "/inbound")
end
