package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	lifetime      = 3600 // seconds
	cacheTimeout  = time.Second
	maxIdleCaches = 64
)

var errCache = errors.New("unexpected answer of memcached")

// A client of memcached's text protocol. The packaged one keeps only two idle
// connections, deletes one key a round trip and scans answers with Sscanf,
// which together costs a third of the cached reads.
type cache struct {
	socket string
	idle   chan *cacheConn
}

type cacheConn struct {
	net.Conn
	in  *bufio.Reader
	out bytes.Buffer
}

func newCache(socket string) (*cache, error) {
	c := &cache{socket, make(chan *cacheConn, maxIdleCaches)}
	return c, c.use(func(*cacheConn) error { return nil })
}

// Lends a connection, which is dropped if it fails.
func (c *cache) use(talk func(*cacheConn) error) error {
	var conn *cacheConn
	select {
	case conn = <-c.idle:
	default:
		plain, err := net.Dial("unix", c.socket)
		if err != nil {
			return err
		}
		conn = &cacheConn{Conn: plain, in: bufio.NewReaderSize(plain, 16<<10)}
	}
	conn.SetDeadline(time.Now().Add(cacheTimeout))
	if err := talk(conn); err != nil {
		conn.Close()
		return err
	}
	select {
	case c.idle <- conn:
	default:
		conn.Close()
	}
	return nil
}

func (c *cacheConn) send() error {
	_, err := c.out.WriteTo(c)
	return err
}

// One line of an answer; it holds until the next is read.
func (c *cacheConn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	return bytes.TrimSuffix(line, []byte("\r\n")), err
}

func (c *cacheConn) expect(answers ...string) error {
	line, err := c.line()
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if string(line) == answer {
			return nil
		}
	}
	return errCache
}

// Whatever is wrong is a miss: the database has the truth.
func (c *cache) get(key string) (value []byte, ok bool) {
	err := c.use(func(conn *cacheConn) error {
		conn.out.WriteString("get " + key + "\r\n")
		if err := conn.send(); err != nil {
			return err
		}
		line, err := conn.line() // VALUE key flags size
		if err != nil || string(line) == "END" {
			return err
		}
		size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
		if err != nil {
			return errCache
		}
		value = make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(conn.in, value); err != nil {
			return err
		}
		value, ok = value[:size], true
		return conn.expect("END")
	})
	return value, ok && err == nil
}

func (c *cache) set(key string, value []byte) error {
	return c.use(func(conn *cacheConn) error {
		fmt.Fprintf(&conn.out, "set %s 0 %d %d\r\n", key, lifetime, len(value))
		conn.out.Write(value)
		conn.out.WriteString("\r\n")
		if err := conn.send(); err != nil {
			return err
		}
		return conn.expect("STORED")
	})
}

// All of them in one round trip.
func (c *cache) delete(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return c.use(func(conn *cacheConn) error {
		for _, key := range keys {
			conn.out.WriteString("delete " + key + "\r\n")
		}
		if err := conn.send(); err != nil {
			return err
		}
		for range keys {
			if err := conn.expect("DELETED", "NOT_FOUND"); err != nil {
				return err
			}
		}
		return nil
	})
}
