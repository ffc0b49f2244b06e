package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Spec is one scenario. The YAML keys are the field names in lower case.
// Arguments, environment, files and paths are text templates; see render.go.
type Spec struct {
	Name  string // that of its file
	Title string // what it shows, one line
	Group string // processes, threads, java, python, loops, go, mixes, hosts
	// Pool is how many calls can be under way at once, 0 if nothing limits them.
	Pool int
	// Capacity is how many requests a second the pool carries; open loops are
	// run at shares of it.
	Capacity float64
	// Hosts are names of network namespaces to make. Services name the one they run in.
	Hosts    []string
	Services []Service // in starting order
	Entry    Entry
	Note     string // what a reader of its results should know
}

// Entry says what the load generator sends, and to which service.
type Entry struct {
	Service string
	Headers map[string]string
	Classes []Class
}

// Class is one kind of request and the calls that each one must cause.
type Class struct {
	Name   string
	Weight int
	Path   string // with {id} where the token goes
	// Calls counts the calls by the path on the delay server ("/b1") or by the
	// name of the service called.
	Calls map[string]int
}

// Service is one program. A service that uses a backend takes everything from
// the backend's file but its name, host and whether it is a target.
type Service struct {
	Name     string
	Use      string // backend to take the rest from
	Host     string
	Target   bool // it is to be traced
	Packages []string
	User     string // whom to run as, in its own directory; empty: as we are
	Build    Build
	Ports    []string          // further ports it needs, by name
	Files    map[string]string // template in programs/ → name in its directory
	Env      map[string]string
	Prepare  [][]string // commands to run before it
	Run      []string
	Stop     string     // signal: TERM (default), INT or QUIT
	Setup    [][]string // commands to run when its port is open, until they succeed
	Witness  Witness
}

// Build says what to compile. At most one of Go, C, Java and Node is set.
type Build struct {
	Go   string   // package directory below the repository's root
	C    string   // source file in programs/c
	Java []string // source files in programs/java, the main class first
	Jars []string // in /usr/share/java
	Node bool     // programs/node needs its packages
}

// Witness says how to learn which calls a backend saw.
type Witness struct {
	Kind  string // delay, log or redis
	File  string // log: the file, in the service's directory
	Match string // log: what a line that tells of a call contains
}

// Load reads the scenario called name from the repository at root.
func Load(root, name string) (*Spec, error) {
	var s Spec
	if err := read(filepath.Join(catalog(root), name+".yaml"), &s); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", name, err)
	}
	for i := range s.Services {
		if err := s.Services[i].resolve(root); err != nil {
			return nil, fmt.Errorf("scenario %s: %w", name, err)
		}
	}
	for i := range s.Entry.Classes {
		s.Entry.Classes[i].Weight = max(s.Entry.Classes[i].Weight, 1)
	}
	if err := s.check(name); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", name, err)
	}
	return &s, nil
}

// LoadAll reads every scenario, in the order of their names.
func LoadAll(root string) ([]*Spec, error) {
	files, err := fs.Glob(os.DirFS(catalog(root)), "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list scenarios: %w", err)
	}
	var out []*Spec
	for _, f := range files {
		s, err := Load(root, strings.TrimSuffix(f, ".yaml"))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func catalog(root string) string  { return filepath.Join(root, "testbed", "scenario", "catalog") }
func programs(root string) string { return filepath.Join(root, "testbed", "scenario", "programs") }

func read(path string, into any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	return dec.Decode(into)
}

func (s *Service) resolve(root string) error {
	if s.Use == "" {
		return nil
	}
	own := *s
	*s = Service{}
	if err := read(filepath.Join(catalog(root), "backends", own.Use+".yaml"), s); err != nil {
		return fmt.Errorf("use %s: %w", own.Use, err)
	}
	s.Use, s.Host, s.Target = own.Use, own.Host, own.Target
	if own.Name != "" {
		s.Name = own.Name
	}
	return nil
}

// Service returns the service called name, or nil.
func (s *Spec) Service(name string) *Service {
	for i := range s.Services {
		if s.Services[i].Name == name {
			return &s.Services[i]
		}
	}
	return nil
}

// Packages returns the Debian packages that s needs, each once.
func (s *Spec) Packages() []string {
	var out []string
	for _, svc := range s.Services {
		out = append(out, svc.Packages...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Spec) check(name string) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Name != name {
		bad("name: want that of the file, got %q", s.Name)
	}
	if s.Title == "" || s.Group == "" || s.Capacity <= 0 {
		bad("title, group, capacity: each is required")
	}
	targets := 0
	for _, svc := range s.Services {
		if len(svc.Run) == 0 {
			bad("services: %q has nothing to run", svc.Name)
		}
		if svc.Host != "" && !slices.Contains(s.Hosts, svc.Host) {
			bad("services: %q is on host %q, which is not in hosts", svc.Name, svc.Host)
		}
		if svc.Target {
			targets++
		}
	}
	if targets == 0 {
		bad("services: no target")
	}
	if s.Service(s.Entry.Service) == nil {
		bad("entry.service: no service %q", s.Entry.Service)
	}
	if len(s.Entry.Classes) == 0 {
		bad("entry.classes: want at least one")
	}
	for _, c := range s.Entry.Classes {
		s.checkClass(c, bad)
	}
	return errors.Join(errs...)
}

func (s *Spec) checkClass(c Class, bad func(string, ...any)) {
	if !strings.Contains(c.Path, "{id}") {
		bad("entry.classes: path of %q has no {id}", c.Name)
	}
	for call := range c.Calls {
		if !strings.HasPrefix(call, "/") && s.Service(call) == nil {
			bad("entry.classes: %q calls %q, which is neither a path nor a service", c.Name, call)
		}
	}
}
