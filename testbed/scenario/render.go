package scenario

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// layout is where the parts of a scenario are: what templates can ask for.
type layout struct {
	root    string
	dir     string            // of the run
	ports   map[string]int    // by service
	address map[string]string // of the host that a service runs on
	pool    int
	seed    uint64
}

func (l *layout) addr(service string) string {
	return net.JoinHostPort(l.address[service], strconv.Itoa(l.ports[service]))
}

func (l *layout) serviceDir(service string) string { return filepath.Join(l.dir, service) }

// funcs are the functions of templates in the files of service s:
//
//	port SERVICE, host SERVICE, addr SERVICE   where a service listens
//	dir                                        the service's own directory
//	programs                                   the programs directory of the repository
//	bin, classpath                             what Build made
//	pool, seed                                 of the scenario and the run
//	glob PATTERN                               the last file that matches
func (l *layout) funcs(s *Service) template.FuncMap {
	return template.FuncMap{
		"port": func(name string) (int, error) {
			if p, ok := l.ports[name]; ok {
				return p, nil
			}
			return 0, fmt.Errorf("no service %q", name)
		},
		"host":      func(name string) string { return l.address[name] },
		"addr":      l.addr,
		"dir":       func() string { return l.serviceDir(s.Name) },
		"programs":  func() string { return programs(l.root) },
		"bin":       func() string { return s.Build.output(l.root) },
		"classpath": func() string { return s.Build.classpath(l.root) },
		"pool":      func() int { return l.pool },
		"seed":      func() uint64 { return l.seed },
		"glob":      glob,
	}
}

func glob(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("nothing matches %q", pattern)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

func (l *layout) render(s *Service, text string) (string, error) {
	t, err := template.New(s.Name).Funcs(l.funcs(s)).Parse(text)
	if err != nil {
		return "", fmt.Errorf("template: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, nil); err != nil {
		return "", fmt.Errorf("template: %w", err)
	}
	return b.String(), nil
}

func (l *layout) renderAll(s *Service, texts []string) ([]string, error) {
	out := make([]string, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = l.render(s, text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// environment returns what every program is told: PORT, POOL and, for each
// service, NAME_HOST, NAME_PORT and NAME_ADDR, then the service's own settings.
func (l *layout) environment(s *Service) ([]string, error) {
	env := []string{
		"PORT=" + strconv.Itoa(l.ports[s.Name]),
		"LISTEN=" + l.addr(s.Name),
		"POOL=" + strconv.Itoa(l.pool),
		"DIR=" + l.serviceDir(s.Name),
	}
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		key := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		env = append(env, key+"_HOST="+l.address[name], key+"_PORT="+strconv.Itoa(l.ports[name]), key+"_ADDR="+l.addr(name))
	}
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		value, err := l.render(s, s.Env[key])
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", key, err)
		}
		env = append(env, key+"="+value)
	}
	return env, nil
}
