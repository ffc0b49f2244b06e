package probe

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/bpf"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// firstVersion is what target_version of bpf/task.h begins with.
const firstVersion = 1

// ErrClosed is returned by Run after Close.
var ErrClosed = os.ErrClosed

// Probe is the loaded and attached kernel side. Its methods may be used
// concurrently, except that only one goroutine may Run.
type Probe struct {
	objects bpf.CaptureObjects
	twice   bool // hooks of system calls are attached twice
	links   []link.Link
	reader  *ringbuf.Reader
	poll    time.Duration
	running sync.Mutex // held by Run
	targets struct {
		sync.Mutex
		version uint32 // as the programs have it, from firstVersion on
	}
}

// New checks the kernel (see Check), loads the programs and attaches them.
// Nothing is traced until SetTarget. Errors say what is missing and what to do.
func New(options *Options) (*Probe, error) {
	if options == nil {
		options = &Options{}
	}
	o := options.withDefaults()
	if err := Check(); err != nil {
		return nil, err
	}
	// Kernels before 5.11 counted BPF memory against this limit; harmless after.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("remove the locked-memory limit (run as root or with CAP_SYS_RESOURCE): %w", err)
	}
	twice, err := preemptible()
	if err != nil {
		return nil, err
	}
	p := &Probe{poll: o.Poll, twice: twice}
	if err := p.load(&o); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if err := p.attach(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Probe) load(o *Options) error {
	spec, err := bpf.LoadCapture()
	if err != nil {
		return fmt.Errorf("read the BPF objects: %w", err)
	}
	if err := configure(spec, o); err != nil {
		return err
	}
	if err := spec.LoadAndAssign(&p.objects, nil); err != nil {
		return explainLoad(err)
	}
	p.reader, err = ringbuf.NewReader(p.objects.Records)
	if err != nil {
		return fmt.Errorf("open the ring buffer: %w", err)
	}
	return nil
}

func configure(spec *ebpf.CollectionSpec, o *Options) error {
	spec.Maps["records"].MaxEntries = o.RingSize
	spec.Maps["conns"].MaxEntries = o.MaxConnections
	for name, value := range map[string]any{
		"capture_size":     min(o.CaptureSize, CaptureMax),
		"max_threads":      o.MaxThreads,
		"wakeup_bytes":     uint64(o.RingSize) / 8,
		"watch_all":        !o.OnlyTargets,
		"handoffs_enabled": !o.NoHandoffs,
	} {
		v, ok := spec.Variables[name]
		if !ok {
			return fmt.Errorf("the BPF objects have no tunable %s: run make generate", name)
		}
		if err := v.Set(value); err != nil {
			return fmt.Errorf("set tunable %s: %w", name, err)
		}
	}
	return nil
}

// programs are those in use. Hooks run in the order in which they are attached.
func (p *Probe) programs() []*ebpf.Program {
	o := &p.objects
	out := []*ebpf.Program{
		o.SysEnter, o.SysExit, o.SchedWaking, o.SchedProcessFork,
		o.SchedProcessExec, o.SchedProcessExit, o.InetSockSetState, o.TcpDestroySock,
		o.TcpRetransmitSkb,
	}
	if p.twice {
		out = append(out, o.SysEnterAgain, o.SysExitAgain)
	}
	return out
}

func (p *Probe) attach() error {
	for _, program := range p.programs() {
		l, err := link.AttachTracing(link.TracingOptions{Program: program})
		if err != nil {
			return fmt.Errorf("attach %s: %w", program, err)
		}
		p.links = append(p.links, l)
	}
	return nil
}

// Run reads events into h until Close: it returns nil after Close, once it has
// read all that came before, else the error that ended it. Events are lent to h
// for the length of the call. idle, if not nil, is called whenever the ring buffer
// has been emptied, at least once per poll interval.
func (p *Probe) Run(h event.Handler, idle func()) error {
	p.running.Lock()
	defer p.running.Unlock()
	var (
		decoder event.Decoder
		record  ringbuf.Record
	)
	for last := false; !last; {
		var err error
		last, err = p.readAll(&record, func(raw []byte) error { return decoder.Decode(raw, h) })
		if err != nil {
			return err
		}
		if idle != nil {
			idle()
		}
	}
	return nil
}

// readAll decodes what is in the ring buffer, for which it waits up to the poll
// interval. last says that nothing more will come.
func (p *Probe) readAll(record *ringbuf.Record, decode func(raw []byte) error) (last bool, _ error) {
	p.reader.SetDeadline(time.Now().Add(p.poll))
	var bad error
	for more := true; more; more = record.Remaining > 0 {
		err := p.reader.ReadInto(record)
		if last = errors.Is(err, ringbuf.ErrFlushed) || errors.Is(err, os.ErrClosed); last || errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("read the ring buffer: %w", err)
		}
		if err := decode(record.RawSample); err != nil {
			bad = errors.Join(bad, err)
		}
	}
	if bad != nil {
		// Programs and decoder come from one header: this is a build error.
		return false, fmt.Errorf("decode the ring buffer: %w", bad)
	}
	return last, nil
}

// SetTarget makes the process a target. Its threads, and its children from now
// on, are traced. A process that is gone is an error that matches
// os.ErrProcessDone.
func (p *Probe) SetTarget(pid uint32, t Target) error {
	return p.updateTarget(pid, &bpf.CaptureTarget{
		Enabled: 1, GoidOffset: t.GoidOffset, GoidParentOffset: t.GoidParentOffset,
	})
}

// ClearTarget ends the tracing of the process. Its children go on being traced.
func (p *Probe) ClearTarget(pid uint32) error {
	err := p.updateTarget(pid, &bpf.CaptureTarget{})
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

func (p *Probe) updateTarget(pid uint32, value *bpf.CaptureTarget) error {
	fd, err := unix.PidfdOpen(int(pid), 0)
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	if err != nil {
		return fmt.Errorf("open process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if err := p.objects.Targets.Update(int32(fd), value, ebpf.UpdateAny); err != nil {
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
		}
		return fmt.Errorf("make process %d a target: %w", pid, err)
	}
	return p.targetsChanged()
}

// targetsChanged lets threads look again whether they belong to a target. What
// they would find must be there.
func (p *Probe) targetsChanged() error {
	t := &p.targets
	t.Lock()
	defer t.Unlock()
	t.version++
	if err := p.objects.TargetVersion.Set(firstVersion + t.version); err != nil {
		return fmt.Errorf("announce that targets changed: %w", err)
	}
	return nil
}

// Counters returns the kernel side's counters since New, one per Counter.
func (p *Probe) Counters() ([NumCounters]uint64, error) {
	var (
		sums   [NumCounters]uint64
		perCPU []bpf.CaptureCounters
	)
	if err := p.objects.CaptureMaps.Counters.Lookup(uint32(0), &perCPU); err != nil {
		return sums, fmt.Errorf("read the counters: %w", err)
	}
	for _, cpu := range perCPU {
		for id, v := range cpu.Value {
			sums[id] += v
		}
	}
	if err := p.addMisses(&sums); err != nil {
		return sums, err
	}
	return sums, nil
}

// Close detaches everything, lets Run read what has come until then, and unloads.
func (p *Probe) Close() error {
	var errs []error
	for _, l := range p.links {
		errs = append(errs, l.Close())
	}
	p.links = nil
	if p.reader != nil {
		errs = append(errs, p.reader.Flush())
		p.running.Lock() // until Run, if there is one, has returned
		errs = append(errs, p.reader.Close())
		p.running.Unlock()
	}
	errs = append(errs, p.objects.Close())
	return errors.Join(errs...)
}
