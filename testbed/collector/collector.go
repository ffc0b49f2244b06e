package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// ready is what the Collector logs once every component has started.
const ready = "Everything is ready"

// Options say what to run. Empty fields take the defaults named.
type Options struct {
	// Binary is the Collector. Default: $OTELCOL_BINARY, else
	// bin/otelcol-custom-slim below the module's root.
	Binary string
	// Config is the configuration, as YAML. ${SINK}, ${METRICS} and ${DIR} in it
	// stand for the endpoint of the Sink, for a free port of the Collector's own
	// metrics, and for a directory that outlives a restart.
	Config string
	// Dir is that directory. Default: a temporary one, removed by Stop.
	Dir string
	// Sink receives what the configuration exports to ${SINK}. Default: a new one.
	Sink *Sink
	// Env is added to the environment.
	Env []string
}

// Collector is a running Collector.
type Collector struct {
	// Sink has what was exported.
	Sink *Sink

	cmd     *exec.Cmd
	metrics string // endpoint
	log     *buffer
	done    chan struct{}
	err     error
	dir     string // to remove
	ownSink bool
}

// Start runs a Collector until its pipelines are up.
func Start(ctx context.Context, o Options) (*Collector, error) {
	c := &Collector{Sink: o.Sink, log: newBuffer(ready), done: make(chan struct{})}
	if err := c.prepare(&o); err != nil {
		return nil, errors.Join(err, c.clean())
	}
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the Collector: %w", err), c.clean())
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	select {
	case <-c.log.seen:
		return c, nil
	case <-c.done:
		return nil, errors.Join(fmt.Errorf("the Collector ended: %w:\n%s", c.err, c.log), c.clean())
	case <-time.After(30 * time.Second):
		return nil, errors.Join(fmt.Errorf("the Collector was not ready after 30 s:\n%s", c.log), c.Kill())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), c.Kill())
	}
}

func (c *Collector) prepare(o *Options) error {
	binary, err := BinaryPath(o.Binary)
	if err != nil {
		return err
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "collector-"); err != nil {
			return err
		}
		c.dir = o.Dir
	}
	if c.Sink == nil {
		if c.Sink, err = NewSink(); err != nil {
			return err
		}
		c.ownSink = true
	}
	port, err := FreePort()
	if err != nil {
		return err
	}
	c.metrics = "127.0.0.1:" + port
	values := map[string]string{"SINK": c.Sink.Endpoint(), "METRICS": port, "DIR": o.Dir}
	text := os.Expand(o.Config, func(name string) string {
		if v, ok := values[name]; ok {
			return v
		}
		return "${" + name + "}"
	})
	path := filepath.Join(o.Dir, "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	c.cmd = exec.Command(binary, "--config", path)
	c.cmd.Env = append(os.Environ(), o.Env...)
	return nil
}

// BinaryPath is where the Collector's binary is: path, or by default $OTELCOL_BINARY
// or bin/otelcol-custom-slim. The error says how to build one.
func BinaryPath(path string) (string, error) {
	if path == "" {
		path = os.Getenv("OTELCOL_BINARY")
	}
	if path == "" {
		root, err := ModuleRoot()
		if err != nil {
			return "", err
		}
		path = filepath.Join(root, "bin", "otelcol-custom-slim")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no Collector binary: build it with `make build-slim` or set OTELCOL_BINARY: %w", err)
	}
	return filepath.Abs(path)
}

// ModuleRoot returns the folder of go.mod above the working directory.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not inside the module")
		}
	}
}

// PID is the Collector's process.
func (c *Collector) PID() int { return c.cmd.Process.Pid }

// Log is what the Collector has written so far.
func (c *Collector) Log() string { return c.log.String() }

// Done is closed when the Collector has ended.
func (c *Collector) Done() <-chan struct{} { return c.done }

// Stop ends the Collector in an orderly way: what it holds is exported first.
// An exit status other than zero is an error with the log.
func (c *Collector) Stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.done:
	case <-time.After(60 * time.Second):
		return errors.Join(fmt.Errorf("the Collector did not stop in 60 s:\n%s", c.log), c.Kill())
	}
	if c.err != nil {
		return errors.Join(fmt.Errorf("the Collector ended: %w:\n%s", c.err, c.log), c.clean())
	}
	return c.clean()
}

// Kill ends the Collector at once, as a crash would.
func (c *Collector) Kill() error {
	_ = c.cmd.Process.Kill()
	<-c.done
	return c.clean()
}

func (c *Collector) clean() error {
	var errs []error
	if c.ownSink {
		c.Sink.Close()
	}
	if c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir))
	}
	return errors.Join(errs...)
}

// buffer keeps all output and tells when a text has appeared in it.
type buffer struct {
	mu   sync.Mutex
	data bytes.Buffer
	want []byte
	seen chan struct{}
}

func newBuffer(want string) *buffer {
	return &buffer{want: []byte(want), seen: make(chan struct{})}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data.Write(p)
	if b.want != nil && bytes.Contains(b.data.Bytes(), b.want) {
		b.want = nil
		close(b.seen)
	}
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.String()
}
