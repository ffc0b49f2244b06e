package container

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Metadata is what a container runtime wrote down of a container; what is not
// known is empty.
type Metadata struct {
	Name    string // of the container: in a pod, its name in the pod's spec
	Service string // of docker compose
	PodName string // Kubernetes
	PodNS   string // Kubernetes namespace
}

// Bounds of the catalog.
const (
	catalogEntries = 1024
	documentLimit  = 4 << 20
)

// Catalog looks up containers in the files of the runtimes on this host. It is
// for one goroutine at a time.
type Catalog struct {
	roots []string
	known map[string]Metadata // also those of which nothing was found
}

// NewCatalog returns a Catalog of the runtimes that keep their state below one
// of the roots, the first one first.
func NewCatalog(roots ...string) *Catalog {
	return &Catalog{roots: roots, known: make(map[string]Metadata)}
}

// Lookup returns what is known of the container with this full id. Runtimes
// write it down before they start the container; it is read once.
func (c *Catalog) Lookup(id string) Metadata {
	if found, ok := c.known[id]; ok {
		return found
	}
	if len(c.known) >= catalogEntries {
		clear(c.known) // costs a few reads, and forgets those long gone
	}
	found := c.read(id)
	c.known[id] = found
	return found
}

func (c *Catalog) read(id string) Metadata {
	if !isHex(id, 64) {
		return Metadata{} // not a file name that a runtime would use
	}
	for _, root := range c.roots {
		for _, source := range sources {
			path := filepath.Join(root, strings.ReplaceAll(source.path, "{id}", id))
			if found, ok := readDocument(path, source.parse); ok {
				return found
			}
		}
	}
	return Metadata{}
}

// source is a file that a runtime keeps of each container.
type source struct {
	path  string
	parse func(*json.Decoder) (Metadata, error)
}

//nolint:gochecknoglobals // a constant table
var sources = [...]source{
	{"var/lib/docker/containers/{id}/config.v2.json", parseDocker},
	{"run/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/config.json", parseBundle},
	{"run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/config.json", parseBundle},
	{"run/containers/storage/overlay-containers/{id}/userdata/config.json", parseBundle},
	{"var/lib/containers/storage/overlay-containers/{id}/userdata/config.json", parseBundle},
}

func readDocument(path string, parse func(*json.Decoder) (Metadata, error)) (Metadata, bool) {
	file, err := os.Open(path)
	if err != nil {
		return Metadata{}, false
	}
	defer file.Close()
	found, err := parse(json.NewDecoder(io.LimitReader(file, documentLimit)))
	return found, err == nil
}

// parseDocker reads the state that dockerd keeps of a container.
func parseDocker(document *json.Decoder) (Metadata, error) {
	var state struct {
		Name   string
		Config struct{ Labels map[string]string }
	}
	err := document.Decode(&state)
	return Metadata{
		Name:    strings.TrimPrefix(state.Name, "/"),
		Service: state.Config.Labels["com.docker.compose.service"],
	}, err
}

// parseBundle reads the OCI runtime bundle of a container, in whose annotations
// containerd and CRI-O name the pod.
func parseBundle(document *json.Decoder) (Metadata, error) {
	var bundle struct {
		Annotations map[string]string `json:"annotations"`
	}
	err := document.Decode(&bundle)
	first := func(keys ...string) string {
		for _, key := range keys {
			if value := bundle.Annotations[key]; value != "" {
				return value
			}
		}
		return ""
	}
	return Metadata{
		Name:    first("io.kubernetes.cri.container-name", "io.kubernetes.container.name"),
		PodName: first("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"),
		PodNS:   first("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"),
	}, err
}
