package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"broadcastbot/internal/testhelp"
)

func TestFollow(t *testing.T) {
	s := newStation(t, Options{})
	data := noise(200_000)
	id := s.growing(data[:100_000])
	var listeners sync.WaitGroup
	for _, first := range []int{0, 1, 50_000, 99_999, 100_000, 150_000, 199_999} {
		listeners.Go(func() {
			a := s.do("GET", "/live/"+id, headers{"Range": followRange(first)}, nil)
			want := fmt.Sprintf("bytes %d-9007199254740991/*", first)
			if a.err != nil || !bytes.Equal(a.body, data[first:]) || a.header.Get("Content-Range") != want || a.header.Get("Cache-Control") != noStore {
				t.Errorf("from %d: %d %v, %d bytes, %v", first, a.status, a.header, len(a.body), a.err)
			}
		})
	}
	listeners.Go(func() {
		a := s.do("GET", "/live/"+id, nil, nil)
		if a.err != nil || a.status != http.StatusOK || !bytes.Equal(a.body, data) || a.header.Get("Content-Range") != "" || a.header.Get("Cache-Control") != noStore {
			t.Errorf("without range: %d %v, %d bytes, %v", a.status, a.header, len(a.body), a.err)
		}
	})
	testhelp.Eventually(t, "all listen", func() bool { return s.holders() >= 1+2 }) // the shard, and those ahead
	for at := 100_000; at < len(data); at += 10_000 {
		s.grow(id, at, data[at:at+10_000])
	}
	s.finish(id, len(data))
	listeners.Wait()
	testhelp.Eventually(t, "only the catalogue holds the file", func() bool { return s.holders() == 1 })
}

// TestFollowOnTheWire looks at the very bytes of an answer.
func TestFollowOnTheWire(t *testing.T) {
	s := newStation(t, Options{})
	id := s.growing([]byte("history "))
	conn := s.dial("GET /live/" + id + " HTTP/1.1\nHost: x\nRange: " + followRange(0) + "\n\n")
	r := bufio.NewReader(conn)
	var head []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
		head = append(head, strings.TrimSpace(line))
	}
	all := strings.Join(head, "\n")
	for _, want := range []string{
		"HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-9007199254740991/*", "Transfer-Encoding: chunked",
		"Connection: close", "Cache-Control: no-store", "Content-Type: application/octet-stream", "Accept-Ranges: bytes",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
	mustRead(t, r, []byte("8\r\nhistory \r\n"))
	testhelp.Eventually(t, "a shard has the listener", func() bool { return s.gateway.Stats().Listeners == 1 && s.holders() == 2 })
	s.grow(id, 8, []byte("live"))
	mustRead(t, r, []byte("4\r\nlive\r\n"))
	s.grow(id, 12, bytes.Repeat([]byte("x"), 20))
	mustRead(t, r, []byte("14\r\nxxxxxxxxxxxxxxxxxxxx\r\n"))
	s.finish(id, 32)
	mustRead(t, r, []byte("0\r\n\r\n"))
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("after the end: %v, want EOF", err)
	}
}

// TestFollowIsCut checks that nobody can take a show that was removed, or a gateway that was
// closed, for the end of the show.
func TestFollowIsCut(t *testing.T) {
	for name, cut := range map[string]func(*station, string){
		"removed": func(s *station, id string) { s.do("DELETE", "/upload/"+id, tus(nil), nil) },
		"closed":  func(s *station, id string) { s.gateway.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, Options{})
			id := s.growing([]byte("history"))
			listener := s.follow(id, 0)
			mustRead(t, listener, []byte("history"))
			cut(s, id)
			if rest, err := io.ReadAll(listener); err == nil || len(rest) > 0 {
				t.Errorf("read %q, %v: want an error", rest, err)
			}
			testhelp.Eventually(t, "nobody listens", func() bool { return s.gateway.Stats().Listeners == 0 })
		})
	}
}

// TestSlowReaderOfHistoryIsCut removes a recording under somebody who does not even read what is
// there.
func TestSlowReaderOfHistoryIsCut(t *testing.T) {
	data := noise(16 << 20) // more than the sockets take
	for name, end := range map[string]func(*station, string){
		"by removal":  func(s *station, id string) { s.do("DELETE", "/upload/"+id, tus(nil), nil) },
		"by patience": func(*station, string) {},
	} {
		t.Run(name, func(t *testing.T) {
			stall := time.Minute
			if name == "by patience" {
				stall = 50 * time.Millisecond
			}
			s := newStation(t, Options{}, withStall(stall))
			id := s.growing(data)
			conn := s.dial("GET /live/" + id + " HTTP/1.1\nHost: x\n\n")
			mustRead(t, conn, []byte("HTTP/1.1 200 OK"))
			end(s, id)
			testhelp.Eventually(t, "nobody listens", func() bool { return s.gateway.Stats().Listeners == 0 })
			got, _ := io.ReadAll(conn)
			if bytes.HasSuffix(got, []byte("0\r\n\r\n")) || len(got) >= len(data) {
				t.Errorf("%d bytes, which look whole", len(got))
			}
		})
	}
}

// TestFollowWithoutShards serves those whose connection cannot be taken over.
func TestFollowWithoutShards(t *testing.T) {
	data := noise(100_000)
	whole := func(t *testing.T, s *station, client *http.Client, url string) {
		t.Helper()
		id := s.growing(data[:30_000])
		request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/live/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Range", followRange(10_000))
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		mustRead(t, response.Body, data[10_000:30_000])
		s.grow(id, 30_000, data[30_000:60_000])
		mustRead(t, response.Body, data[30_000:60_000])
		s.grow(id, 60_000, data[60_000:])
		s.finish(id, len(data))
		rest, err := io.ReadAll(response.Body)
		if err != nil || !bytes.Equal(rest, data[60_000:]) {
			t.Errorf("%d bytes, %v", len(rest), err)
		}
	}
	cut := func(t *testing.T, s *station, client *http.Client, url string) {
		t.Helper()
		id := s.growing(data[:100])
		response, err := client.Get(url + "/live/" + id)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		mustRead(t, response.Body, data[:100])
		s.do("DELETE", "/upload/"+id, tus(nil), nil)
		if _, err := io.ReadAll(response.Body); err == nil {
			t.Error("a removed show looks ended")
		}
	}
	serve := func(t *testing.T, s *station, adjust func(*httptest.Server)) *httptest.Server {
		t.Helper()
		server := httptest.NewUnstartedServer(s.gateway.Handler())
		adjust(server)
		if server.URL == "" {
			server.Start()
		}
		t.Cleanup(server.Close)
		return server
	}

	t.Run("HTTP 2", func(t *testing.T) {
		s := newStation(t, Options{})
		server := serve(t, s, func(u *httptest.Server) { u.EnableHTTP2 = true; u.StartTLS() })
		whole(t, s, server.Client(), server.URL)
		cut(t, s, server.Client(), server.URL)
	})
	t.Run("TLS", func(t *testing.T) {
		s := newStation(t, Options{})
		server := serve(t, s, func(u *httptest.Server) { u.StartTLS() })
		whole(t, s, server.Client(), server.URL)
		cut(t, s, server.Client(), server.URL)
	})
	t.Run("hidden socket", func(t *testing.T) {
		s := newStation(t, Options{})
		server := serve(t, s, func(u *httptest.Server) { u.Listener = hidingListener{u.Listener} })
		whole(t, s, server.Client(), server.URL)
		cut(t, s, server.Client(), server.URL)
	})
	t.Run("HTTP 1.0", func(t *testing.T) {
		s := newStation(t, Options{})
		id := s.growing(data[:100])
		conn := s.dial("GET /live/" + id + " HTTP/1.0\n\n")
		testhelp.Eventually(t, "it is listened to", func() bool { return s.gateway.Stats().Listeners == 1 })
		s.grow(id, 100, data[100:])
		s.finish(id, len(data))
		got, err := io.ReadAll(conn)
		if err != nil || !bytes.HasSuffix(got, append([]byte("\r\n\r\n"), data...)) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("recorder", func(t *testing.T) {
		s := newStation(t, Options{})
		id := s.growing(data[:100])
		recorder := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.gateway.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/live/"+id, nil))
		}()
		testhelp.Eventually(t, "it is listened to", func() bool { return s.gateway.Stats().Listeners == 1 })
		s.grow(id, 100, data[100:])
		s.finish(id, len(data))
		<-done
		if !bytes.Equal(recorder.Body.Bytes(), data) {
			t.Errorf("%d bytes", recorder.Body.Len())
		}
	})
}

// TestLongPause has nothing to send for longer than a listener may take nothing.
func TestLongPause(t *testing.T) {
	const stall = time.Second
	s := newStation(t, Options{}, withStall(stall))
	id := s.growing([]byte("before "))
	bodies := map[string]io.Reader{"shard": s.follow(id, 0)}
	for name, start := range map[string]func(*httptest.Server){
		"HTTP 2": func(u *httptest.Server) { u.EnableHTTP2 = true; u.StartTLS() },
		"TLS":    func(u *httptest.Server) { u.StartTLS() },
		"hidden": func(u *httptest.Server) { u.Listener = hidingListener{u.Listener}; u.Start() },
	} {
		server := httptest.NewUnstartedServer(s.gateway.Handler())
		start(server)
		t.Cleanup(server.Close)
		response, err := server.Client().Get(server.URL + "/live/" + id)
		if err != nil {
			t.Fatal(err)
		}
		bodies[name] = response.Body
	}
	pause := func() { time.Sleep(stall * 3 / 2) }
	pause()
	s.grow(id, 7, []byte("after"))
	pause()
	s.finish(id, 12)
	for name, body := range bodies {
		if got, err := io.ReadAll(body); err != nil || string(got) != "before after" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// hidingListener wraps its connections as a limiter or a meter would.
type hidingListener struct{ net.Listener }

func (l hidingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return struct{ net.Conn }{conn}, err
}

// TestListenersWhoLeaveInAPause are noticed although nothing is sent.
func TestListenersWhoLeaveInAPause(t *testing.T) {
	s := newStation(t, Options{}, withStall(60*time.Millisecond))
	id := s.growing([]byte("history"))
	stays, leaves := s.follow(id, 0), s.follow(id, 7)
	mustRead(t, stays, []byte("history"))
	testhelp.Eventually(t, "both listen", func() bool { return s.gateway.Stats().Listeners == 2 })
	leaves.Close()
	testhelp.Eventually(t, "one has left", func() bool { return s.gateway.Stats().Listeners == 1 })
	s.grow(id, 7, []byte(" and more"))
	mustRead(t, stays, []byte(" and more"))
	stays.Close()
	testhelp.Eventually(t, "the shard has ended", func() bool { return s.holders() == 1 })
}
