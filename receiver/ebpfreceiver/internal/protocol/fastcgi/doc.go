// Package fastcgi parses FastCGI, version 1 ("FastCGI Specification", Open
// Market, 1996), as web servers speak it with PHP-FPM and others. It carries HTTP
// requests, so the semantic conventions are those for HTTP; network.protocol.name
// says fastcgi. The conventions for RPC do not fit: there is neither a service
// nor a method.
//
// An exchange is what lies between BEGIN_REQUEST and END_REQUEST of one id.
// Requests of several ids may be under way. The response is complete with
// END_REQUEST, the request with its body: PHP-FPM reads the empty record that ends STDIN
// after it has answered. Where CONTENT_LENGTH does not tell where the body ends,
// or several requests are under way, that record does. Questions about the application's
// limits (GET_VALUES) are Ignored.
//
// Method, target and headers are read from the parameters, whose first 16 KiB
// are held; url.query is QUERY_STRING and, as in HTTP, without values. The status is that of
// the header Status, else 302 where there is a Location, else 200 (RFC 3875,
// section 6). What STDERR says is never kept.
package fastcgi
