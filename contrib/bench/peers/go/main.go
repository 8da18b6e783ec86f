// The news feed as a Go service: net/http, pgx and memcached.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v4/pgxpool"
)

// With more, PostgreSQL's own index upkeep falls behind the posts.
const sessions = 8

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}

func run() error {
	stop, cancel := signal.NotifyContext(context.Background(),
		syscall.SIGTERM, os.Interrupt)
	defer cancel()

	db, err := connect(stop)
	if err != nil {
		return err
	}
	defer db.Close()
	cache, err := newCache(os.Getenv("MEMCACHED_SOCKET"))
	if err != nil {
		return err
	}

	tcp, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	unix, err := listenUnix(os.Getenv("SOCKET"))
	if err != nil {
		return err
	}

	server := &http.Server{
		Handler:           &service{db: db, cache: cache},
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	failed := make(chan error, 2)
	for _, listener := range []net.Listener{tcp, unix} {
		go func(l net.Listener) { failed <- server.Serve(l) }(listener)
	}
	select {
	case err = <-failed:
		return err
	case <-stop.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(),
		500*time.Millisecond)
	defer cancel()
	server.Shutdown(grace)
	return nil
}

// All sessions are opened now, so that no request waits for one.
func connect(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.MaxConns = sessions
	config.MinConns = sessions
	// pgx reads libpq's variables, but not this one.
	if options := os.Getenv("PGOPTIONS"); options != "" {
		config.ConnConfig.RuntimeParams["options"] = options
	}
	return pgxpool.ConnectConfig(ctx, config)
}

// nginx may run as somebody else.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	return listener, os.Chmod(path, 0o666)
}
