package target

import (
	"cmp"
	"path"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/container"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/gooffsets"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/naming"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
)

// describer turns the files of /proc into a Process. One goroutine.
type describer struct {
	reader      *procfs.Reader
	host        *Host
	users       *users
	catalog     *container.Catalog
	programs    *gooffsets.Cache
	commandArgs bool
	// unknownGo is called once for each Go program without offsets.
	unknownGo func(executable string, program gooffsets.Program)
}

// view is what has been read of one process so far. The parts that selection
// does not need are read when the process is described.
type view struct {
	pid        uint32
	stat       procfs.Stat
	executable string
	args       []string
	groups     []procfs.Cgroup
	groupsHash uint64
	place      container.Place

	haveArgs, haveGroups bool
}

// look reads what a process runs. The error is one of procfs.Gone if the process
// is not there any more.
func (d *describer) look(pid uint32, stat procfs.Stat) (*view, error) {
	executable, err := d.reader.Executable(pid)
	return &view{pid: pid, stat: stat, executable: executable}, err
}

func (d *describer) readArgs(v *view) error {
	if v.haveArgs {
		return nil
	}
	args, err := d.reader.CommandLine(v.pid)
	v.args, v.haveArgs = args, err == nil
	return err
}

func (d *describer) readGroups(v *view) error {
	if v.haveGroups {
		return nil
	}
	groups, hash, err := d.reader.Cgroups(v.pid)
	if err != nil {
		return err
	}
	v.groups, v.groupsHash, v.haveGroups = groups, hash, true
	v.place = container.Locate(groups)
	return nil
}

// describe completes the description. What cannot be read for want of
// privileges is left out; an error says that the process is gone or changed.
func (d *describer) describe(v *view) (*Process, error) {
	errs := [...]error{d.readArgs(v), d.readGroups(v)}
	environ, err := d.reader.Environ(v.pid, serviceNameVariable, resourceAttributesVariable)
	netns, err2 := d.reader.NetNS(v.pid)
	for _, err := range append(errs[:], err, err2) {
		if procfs.Gone(err) {
			return nil, err
		}
	}
	p := &Process{
		PID: v.pid, Parent: v.stat.Parent, Start: v.stat.Start, Created: d.host.Created(v.stat.Start), NetNS: netns,
		Executable: v.executable, ContainerID: v.place.ContainerID, PodUID: v.place.PodUID, Unit: v.place.Unit,
	}
	program := d.inspectGo(v)
	var version string
	p.Runtime, version = naming.Interpreter(v.executable)
	if program.Source != gooffsets.NotGo {
		p.Runtime, version = naming.Go, program.Version
	}
	p.GoidOffset, p.GoidParentOffset = program.Goid, program.ParentGoid
	metadata := container.Metadata{}
	if p.ContainerID != "" {
		metadata = d.catalog.Lookup(p.ContainerID)
	}
	given := parseResourceAttributes(environ[resourceAttributesVariable])
	p.Service = d.serviceName(v, environ[serviceNameVariable], given, metadata, program.MainPackage)
	p.Resource = d.resource(p, v, version, metadata, given)
	return p, nil
}

// inspectGo looks into the executable itself, through the link in /proc: that
// leads into containers, and to files that are deleted.
func (d *describer) inspectGo(v *view) gooffsets.Program {
	if runtime, _ := naming.Interpreter(v.executable); runtime != naming.Native {
		return gooffsets.Program{}
	}
	program, fresh, err := d.programs.Inspect(d.reader.Path(v.pid, "exe"))
	if err != nil {
		return gooffsets.Program{}
	}
	if fresh && (program.Source == gooffsets.UnknownRelease || program.Source == gooffsets.UnknownG) {
		d.unknownGo(v.executable, program)
	}
	return program
}

// serviceName decides service.name: what the process was told itself, the name
// of its container, of its systemd unit, of its program.
func (d *describer) serviceName(v *view, told string, given []Attribute, metadata container.Metadata, mainPackage string) string {
	if told != "" {
		return told
	}
	for _, attribute := range given {
		if name, _ := attribute.Value.(string); attribute.Key == "service.name" && name != "" {
			return name
		}
	}
	if name := cmp.Or(metadata.Service, metadata.Name, v.place.ContainerName, serviceOfUnit(v.place.Unit)); name != "" {
		return name
	}
	if v.executable == "" {
		return v.stat.Comm
	}
	return naming.Program(&naming.Process{
		Executable: v.executable, Args: v.args, MainPackage: mainPackage,
		Directory: func() string {
			directory, _ := d.reader.WorkingDirectory(v.pid) // else the name stands alone
			return directory
		},
	})
}

// serviceOfUnit strips what tells instances of one service apart:
// postgresql@16-main.service is postgresql.
func serviceOfUnit(unit string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(unit, ".service"), "@")
	return name
}

// resource puts the attributes in order. What the process was told overrides
// what was found out, except for its identity.
func (d *describer) resource(p *Process, v *view, version string, metadata container.Metadata, given []Attribute) []Attribute {
	var a attributes
	a.set("service.name", p.Service)
	a.set("service.namespace", metadata.PodNS)
	a.set("service.instance.id", d.host.instanceID(p.PID, p.Start))
	a.set("process.pid", int64(p.PID))
	a.set("process.parent_pid", int64(p.Parent))
	a.set("process.creation.time", p.Created.Format(time.RFC3339Nano))
	a.set("process.executable.name", executableName(v))
	a.set("process.executable.path", v.executable)
	if len(v.args) > 0 {
		a.set("process.command", commandName(v.args[0], v.executable))
		if d.commandArgs {
			a.set("process.command_args", v.args)
		}
	}
	a.set("process.owner", d.owner(v))
	a.set("process.runtime.name", p.Runtime.String())
	a.set("process.runtime.version", version)
	a.set("host.id", d.host.ID)
	a.set("host.name", d.host.Name)
	a.set("os.type", "linux")
	a.set("container.id", p.ContainerID)
	a.set("container.name", cmp.Or(metadata.Name, v.place.ContainerName))
	a.set("k8s.pod.uid", p.PodUID)
	a.set("k8s.pod.name", metadata.PodName)
	a.set("k8s.namespace.name", metadata.PodNS)
	if metadata.PodName != "" {
		a.set("k8s.container.name", metadata.Name)
	}
	for _, attribute := range given {
		if !isIdentity(attribute.Key) {
			a.set(attribute.Key, attribute.Value)
		}
	}
	return a
}

// isIdentity reports whether an attribute is decided already: the identity of
// the process instance is what the kernel says, and the service's name follows
// its own order.
func isIdentity(key string) bool {
	switch key {
	case "service.name", "host.id", "process.pid", "process.creation.time":
		return true
	}
	return false
}

func executableName(v *view) string {
	if v.executable == "" {
		return v.stat.Comm
	}
	return path.Base(v.executable)
}

// commandName returns the name that the process was started by. A title that it
// wrote over its arguments later may tell anything: only its first word is taken.
func commandName(arg, executable string) string {
	if strings.HasSuffix(executable, arg) {
		return arg // may hold spaces
	}
	name, _, _ := strings.Cut(arg, " ")
	return strings.TrimSuffix(name, ":")
}

// owner returns the name of the user that the process acts as. Those of a
// container are not in the host's database; only root is the same everywhere.
func (d *describer) owner(v *view) string {
	uid, err := d.reader.Owner(v.pid)
	if err != nil || v.place.ContainerID != "" && uid != 0 {
		return ""
	}
	return d.users.name(uid)
}
