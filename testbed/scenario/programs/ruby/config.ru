# A Rack application that makes two calls one after the other on Puma's thread.
require "net/http"

app = lambda do |env|
  id = env["QUERY_STRING"].split("=", 2).last
  http = Thread.current[:delay] ||= Net::HTTP.start(ENV.fetch("DELAY_HOST"), ENV.fetch("DELAY_PORT").to_i)
  http.get("/b1?id=#{id}")
  http.get("/b2?id=#{id}")
  [200, { "content-type" => "text/plain" }, ["ok\n"]]
end

run app
