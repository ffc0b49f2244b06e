package overhead

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// Workload is a program under a load.
type Workload struct {
	Name, About string
	Spec        *scenario.Spec // its target is the service called app
	drive       driver
}

// Workloads returns all there are, for the repository at root.
func Workloads(root string) ([]Workload, error) {
	pool, err := scenario.Load(root, "java-submit-get")
	if err != nil {
		return nil, err
	}
	return []Workload{
		{"go-empty-1", "Go, empty handler, one connection", goEmpty(), &wrk{connections: 1, path: "/"}},
		{"go-empty-64", "Go, empty handler, 64 connections", goEmpty(), &wrk{connections: 64, path: "/"}},
		{"nginx-static", "nginx, one small file, 64 connections", nginxStatic(), &wrk{connections: 64, path: "/index.html"}},
		{"node-hello", "Node, hello, 64 connections", nodeHello(root), &wrk{connections: 64, path: "/"}},
		{"java-pool", "Java, pool of 8 that waits for a backend, 64 in flight", pool, &entry{inFlight: 64}},
		{"redis-get", "Redis, GET, 50 connections", redis(), &redisGet{pipeline: 1}},
		{"redis-pipeline", "Redis, GET, 50 connections, 16 in a pipeline", redis(), &redisGet{pipeline: 16}},
	}, nil
}

// Named returns the workloads called names in their order; all if there are none.
func Named(all []Workload, names []string) ([]Workload, error) {
	if len(names) == 0 || slices.Equal(names, []string{"all"}) {
		return all, nil
	}
	var out []Workload
	for _, name := range names {
		i := slices.IndexFunc(all, func(w Workload) bool { return w.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no workload %q: there are %s", name, list(all))
		}
		out = append(out, all[i])
	}
	return out, nil
}

func list(all []Workload) string {
	var names []string
	for _, w := range all {
		names = append(names, w.Name)
	}
	return strings.Join(names, ", ")
}

// programs is the folder of this package's programs, as seen from the one that
// Service.Files is relative to.
const programs = "../../overhead/programs/"

func server(name string, s scenario.Service) *scenario.Spec {
	s.Name, s.Target = target, true
	return &scenario.Spec{Name: name, Services: []scenario.Service{s}, Entry: scenario.Entry{Service: target}}
}

func goEmpty() *scenario.Spec {
	return server("go-empty", scenario.Service{
		Packages: []string{"wrk"},
		Build:    scenario.Build{Go: "testbed/overhead/programs/goempty"},
		Run:      []string{"{{bin}}"},
	})
}

func nginxStatic() *scenario.Spec {
	return server("nginx-static", scenario.Service{
		Packages: []string{"nginx-light", "wrk"},
		Files:    map[string]string{programs + "nginx-static.conf": "nginx.conf"},
		Prepare:  [][]string{{"sh", "-c", "printf '%01024d' 0 > index.html && chmod 644 index.html"}},
		Run:      []string{"/usr/sbin/nginx", "-p", "{{dir}}", "-e", "stderr", "-c", "nginx.conf"},
	})
}

func nodeHello(root string) *scenario.Spec {
	return server("node-hello", scenario.Service{
		Packages: []string{"nodejs", "wrk"},
		Run:      []string{"node", filepath.Join(root, "testbed", "overhead", "programs", "hello.js")},
	})
}

func redis() *scenario.Spec {
	return server("redis", scenario.Service{
		Packages: []string{"redis-server", "redis-tools"},
		Run:      []string{"redis-server", "--bind", "{{host `app`}}", "--port", "{{port `app`}}", "--save", "", "--dir", "{{dir}}"},
	})
}
