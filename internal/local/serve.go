package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	defaultIdle = 10 * time.Minute
	settleTime  = 300 * time.Millisecond // as long as AWS takes seconds
)

// ServeOptions say what the process behind --local is to be.
type ServeOptions struct {
	Dir     string         // where its state is kept
	Host    string         // address that it listens on; "": 127.0.0.1
	Port    int            // 0: the one that it had before, at first any free one
	Idle    time.Duration  // without calls and unfinished jobs the process ends after this time; default 10 minutes, negative: never
	Faults  *faults.Script // what goes wrong; nil: nothing but calls above the documented rates
	Journal io.Writer      // gets each call as a line of JSON; may be nil
	Runner  MakeRunner
	Ready   func(Info) // called when the server answers; may be nil
}

// MakeRunner makes what executes jobs, once it is known how they reach the server. end ends what it still executes; it may be called more than once.
type MakeRunner func(ctx context.Context, info Info) (runner JobRunner, end func(), err error)

// Serve is a server until ctx ends, Stop is called, or it has been idle. Its keys and its port stay the same for as long as
// its state does: the names of pushed images contain the port. It returns nil unless something failed.
func Serve(ctx context.Context, o ServeOptions) error {
	if err := claim(o.Dir); err != nil {
		return err
	}
	lock, err := takeState(ctx, o.Dir)
	if err != nil {
		return fmt.Errorf("lock the state of the embedded AWS: %w", err)
	}
	defer func() { _ = lock.Close() }() // the end of the process gives it back too
	info, listener, err := open(ctx, o)
	if err != nil {
		return err
	}
	runner, endJobs, err := o.Runner(ctx, info)
	if err != nil {
		return errors.Join(fmt.Errorf("make the job runner: %w", err), listener.Close())
	}
	defer endJobs()
	s, err := New(Options{
		Dir: o.Dir, Endpoint: info.Endpoint, Region: info.Region, Account: info.Account, AccessKey: info.AccessKey, SecretKey: info.SecretKey,
		Runner: runner, Settle: settleTime, Faults: cmp.Or(o.Faults, &faults.Script{}).WithDocumentedRates(), Journal: o.Journal,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := s.Publish(o.Dir); err != nil {
		return errors.Join(err, listener.Close())
	}
	s.serveOn(listener)
	if o.Ready != nil {
		o.Ready(s.Info())
	}
	s.untilIdle(ctx, cmp.Or(o.Idle, defaultIdle))
	err = s.stopListening()
	endJobs() // what had ended by itself is still noted
	return errors.Join(err, s.Close())
}

// takeState locks a state directory. A server that holds it and does not answer has just begun or is about to end.
func takeState(ctx context.Context, dir string) (*flock.Flock, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for lock := serverLock(dir); ; {
		if locked, err := lock.TryLock(); err != nil || locked {
			return lock, err
		}
		if _, answers := Running(ctx, dir); answers {
			return nil, ui.WithHint(fmt.Errorf("a server of %s runs already", dir), "use it, or end it with 'kedroctl local stop'")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollTime):
		}
	}
}

// open takes the port of the server, the one of before where there was one.
func open(ctx context.Context, o ServeOptions) (Info, net.Listener, error) {
	info, err := readInfo(o.Dir)
	if err != nil {
		return Info{}, nil, fmt.Errorf("read where the embedded AWS was: %w", err)
	}
	if info.AccessKey == "" {
		info = newInfo()
	}
	port := "0"
	if u, err := url.Parse(info.Endpoint); err == nil && u.Port() != "" {
		port = u.Port()
	}
	if o.Port != 0 {
		port = fmt.Sprint(o.Port)
	}
	host := cmp.Or(o.Host, "127.0.0.1")
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		err = fmt.Errorf("open the port of the embedded AWS: %w", err)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = ui.WithHint(err, "end the process that has it, or take another with 'kedroctl local --port'; images, whose names contain it, have to be pushed anew then")
		}
		return Info{}, nil, err
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	if at.Addr().IsUnspecified() { // every address of the machine: its jobs and this user's tools keep to loopback
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	info.Endpoint = "http://" + at.String()
	return info, l, nil
}

// untilIdle returns when ctx ends, or when nothing has been asked for long enough and no job is left to be done.
func (s *Server) untilIdle(ctx context.Context, idle time.Duration) {
	if idle < 0 {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(max(idle/20, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.batch.Unfinished() > 0 {
			s.lastCall.Store(time.Now().UnixNano())
		}
		if time.Since(time.Unix(0, s.lastCall.Load())) > idle {
			return
		}
	}
}
