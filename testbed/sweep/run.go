package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/recorder"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// patience is how long one cell may take, so that a program that hangs does not end
// the sweep.
const patience = 2 * time.Minute

// Options say what to sweep and where to keep it.
type Options struct {
	Recorder recorder.Options // but for its plan
	Loads    []Load
	Ablate   string // the load at which methods are switched off one by one; empty: none
	Seed     uint64
	Dir      string // of cells and recordings; it is made
	Resume   bool   // keep the cells that are in Dir and ran
	// OneStart leaves the services up from load to load, which saves their starts. Each
	// but the first is then one to which the Collector comes late.
	OneStart bool
	// Within, if not zero, is how long after its beginning the sweep still begins cells.
	// The others say that they had no time; with Resume they get some.
	Within time.Duration
	Out    io.Writer
}

var errNoTime = errors.New("there was no time left for it")

// sweep is one under way.
type sweep struct {
	Options
	began time.Time
	todo  int
	done  int
}

// Run sweeps specs and returns their cells in the order of specs and loads. A cell
// that could not run says why. The error is that of ctx or of Dir.
func Run(ctx context.Context, specs []*scenario.Spec, o Options) ([]*Cell, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("keep cells: %w", err)
	}
	s := &sweep{Options: o, began: time.Now()}
	var all []*Cell
	missing := make([][]*Cell, len(specs))
	for i, spec := range specs {
		for _, l := range o.Loads {
			c := &Cell{Scenario: spec.Name, Group: spec.Group, Load: l.Name}
			all = append(all, c)
			kept, err := false, error(nil)
			if o.Resume {
				if kept, err = c.load(o.Dir); err != nil {
					return nil, err
				}
			}
			if !kept {
				missing[i] = append(missing[i], c)
				s.todo++
			}
		}
	}
	for i, spec := range specs {
		if err := s.scenario(ctx, spec, missing[i]); err != nil {
			return all, err
		}
	}
	return all, nil
}

// scenario fills in cells, which are of one scenario, with as few starts of its
// services as possible.
func (s *sweep) scenario(ctx context.Context, spec *scenario.Spec, cells []*Cell) error {
	for len(cells) > 0 {
		if s.Within > 0 && time.Since(s.began) > s.Within {
			for _, c := range cells {
				c.fail(errNoTime)
			}
			return nil
		}
		n, err := s.session(ctx, spec, cells)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		cells = cells[n:]
	}
	return nil
}

// session starts the services once and records the first n of cells, with OneStart
// all if all goes well. Its error is one of keeping them: what goes wrong in a cell stands in it.
func (s *sweep) session(ctx context.Context, spec *scenario.Spec, cells []*Cell) (n int, err error) {
	open, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	services, err := recorder.Open(open, spec, s.Recorder)
	if err != nil {
		for _, c := range cells {
			c.fail(err)
		}
		return len(cells), s.finish(ctx, cells, nil)
	}
	var made []*recorder.Recording
	for n < len(cells) {
		r := s.record(ctx, services, spec, cells[n])
		made = append(made, r)
		n++
		if !s.OneStart || r == nil || unfit(r) || ctx.Err() != nil {
			break // the rest on services that have no past
		}
	}
	end, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := services.Close(end); err != nil {
		for _, c := range cells[:n] {
			c.fail(fmt.Errorf("the services did not end well: %w", err))
		}
	}
	return n, s.finish(ctx, cells[:n], made)
}

// record runs one cell. It returns nil if there is nothing to judge.
func (s *sweep) record(ctx context.Context, services *recorder.Session, spec *scenario.Spec, c *Cell) *recorder.Recording {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	r, err := s.send(ctx, services, spec, c)
	c.Seconds = time.Since(began).Seconds()
	c.fail(err)
	if err != nil {
		return nil
	}
	return r
}

func (s *sweep) send(ctx context.Context, services *recorder.Session, spec *scenario.Spec, c *Cell) (*recorder.Recording, error) {
	l := s.Loads[slices.IndexFunc(s.Loads, func(l Load) bool { return l.Name == c.Load })]
	if l.Late {
		if err := services.Touch(ctx, l.before(spec, s.Seed)); err != nil {
			return nil, fmt.Errorf("before the recording: %w", err)
		}
	}
	return services.Record(ctx, l.Plan(spec, s.Seed))
}

// finish judges what was recorded and keeps it. made may be shorter than cells.
func (s *sweep) finish(ctx context.Context, cells []*Cell, made []*recorder.Recording) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, c := range cells {
		began := time.Now()
		if i < len(made) && made[i] != nil {
			if err := c.keep(s.Dir, made[i]); err != nil {
				return fmt.Errorf("keep recording: %w", err)
			}
			c.fail(c.judge(made[i], c.Load == s.Ablate))
		}
		c.Seconds += time.Since(began).Seconds()
		if err := c.save(s.Dir); err != nil {
			return err
		}
		s.done++
		s.tell(c)
	}
	return nil
}

// tell prints how far the sweep is.
func (s *sweep) tell(c *Cell) {
	elapsed := time.Since(s.began)
	left := elapsed * time.Duration(s.todo-s.done) / time.Duration(s.done)
	fmt.Fprintf(s.Out, "[%*d/%d] %-26s %-5s %s | %s, about %s left\n", len(strconv.Itoa(s.todo)), s.done, s.todo,
		c.Scenario, c.Load, c.summary(), elapsed.Round(time.Second), left.Round(time.Second))
}

// summary is the outcome in one line.
func (c *Cell) summary() string {
	if c.Live == nil {
		return "COULD NOT RUN: " + firstLine(c.Error)
	}
	text := fmt.Sprintf("recall %5.1f wrong %4.1f of %4d calls, %d traces, %d/s", 100*c.Live.Recall.Value, 100*c.Live.WrongRate.Value,
		c.Live.Calls.Total(), c.Live.Traces, int(c.Traffic.Rate))
	if c.Differ > 0 {
		text += fmt.Sprintf(", %d of %d spans otherwise in replay", c.Differ, c.Released)
	}
	if c.Error != "" {
		text += ", BUT " + firstLine(c.Error)
	}
	return text
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line[:min(len(line), 160)]
}
