package main

import (
	"net/http"
	"time"
)

// newHTTPClient returns a client for requests that last as long as a show. Over
// HTTP/2 all of them share a connection, and so would every attempt to mend a
// dead one: pings notice that within seconds.
func newHTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second}
	return &http.Client{Transport: transport}
}
