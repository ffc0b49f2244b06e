package resource

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

// Describer turns the files of /proc into a Process. It is for one goroutine at
// a time.
type Describer struct {
	reader      *procfs.Reader
	host        *Host
	users       *users
	catalog     *container.Catalog
	programs    *gooffsets.Cache
	commandArgs bool
	unknownGo   func(executable, version string)
}

// Options say how processes are described. All fields but Host may be zero.
type Options struct {
	Host *Host
	Root string // file system of the host; default "/"
	// CommandArgs adds all arguments of the process.
	CommandArgs bool
	// UnknownGo is called once for each Go program, by file, whose goroutines
	// cannot be told apart.
	UnknownGo func(executable, version string)
}

// NewDescriber returns a Describer of the processes that reader reads.
func NewDescriber(reader *procfs.Reader, o *Options) *Describer {
	d := &Describer{
		reader: reader, host: o.Host, users: newUsers(o.Root), programs: gooffsets.NewCache(), commandArgs: o.CommandArgs,
		catalog: container.NewCatalog(o.Root, reader.Path(1, "root")), unknownGo: o.UnknownGo,
	}
	if d.unknownGo == nil {
		d.unknownGo = func(string, string) {}
	}
	return d
}

// View is what has been read of one process so far: a little for selection, the
// rest when it is described. Each file is read once.
type View struct {
	PID        uint32
	Stat       procfs.Stat
	Executable string // empty if it may not be read
	GroupsHash uint64 // of the control groups, once they were read

	args       []string
	groups     []procfs.Cgroup
	place      container.Place
	haveArgs   bool
	haveGroups bool
}

// Look reads what a process runs. An error that procfs.Gone knows says that it
// is not there; after another one the View is good, without an executable.
func (d *Describer) Look(pid uint32, stat procfs.Stat) (*View, error) {
	executable, err := d.reader.Executable(pid)
	return &View{PID: pid, Stat: stat, Executable: executable}, err
}

// Args returns the arguments of the process.
func (d *Describer) Args(v *View) ([]string, error) {
	if v.haveArgs {
		return v.args, nil
	}
	args, err := d.reader.CommandLine(v.PID)
	v.args, v.haveArgs = args, err == nil
	return args, err
}

// Groups returns the paths of the process's control groups, and the container
// that they are part of.
func (d *Describer) Groups(v *View) (paths []string, containerID string, err error) {
	if !v.haveGroups {
		groups, hash, err := d.reader.Cgroups(v.PID)
		if err != nil {
			return nil, "", err
		}
		v.groups, v.GroupsHash, v.haveGroups = groups, hash, true
		v.place = container.Locate(groups)
	}
	for _, group := range v.groups {
		paths = append(paths, group.Path)
	}
	return paths, v.place.ContainerID, nil
}

// Describe completes the description. What cannot be read for want of
// privileges is left out. An error says that the process is gone.
func (d *Describer) Describe(v *View) (*Process, error) {
	_, err := d.Args(v)
	_, _, err2 := d.Groups(v)
	environ, err3 := d.reader.Environ(v.PID, serviceNameVariable, resourceAttributesVariable, mainPIDVariable)
	netns, err4 := d.reader.NetNS(v.PID)
	for _, err := range [...]error{err, err2, err3, err4} {
		if procfs.Gone(err) {
			return nil, err
		}
	}
	p := &Process{
		PID: v.PID, Parent: v.Stat.Parent, Start: v.Stat.Start, Created: d.host.Created(v.Stat.Start), NetNS: netns,
		Executable: v.Executable, ContainerID: v.place.ContainerID, PodUID: v.place.PodUID, Unit: v.place.Unit,
	}
	program := d.inspectGo(v)
	var version string
	p.Runtime, version = naming.Interpreter(v.Executable)
	if program.Source != gooffsets.NotGo {
		p.Runtime, version = naming.Go, program.Version
	}
	p.GoidOffset, p.GoidParentOffset = program.Goid, program.ParentGoid
	metadata := container.Metadata{}
	if p.ContainerID != "" {
		metadata = d.catalog.Lookup(p.ContainerID)
	}
	given := parseResourceAttributes(environ[resourceAttributesVariable])
	p.Service = d.serviceName(v, environ, given, metadata, program.MainPackage)
	p.Resource = d.resource(p, v, version, metadata, given)
	return p, nil
}

// inspectGo looks into the executable itself, through the link in /proc: that
// leads into containers, and to files that are deleted.
func (d *Describer) inspectGo(v *View) gooffsets.Program {
	if runtime, _ := naming.Interpreter(v.Executable); runtime != naming.Native {
		return gooffsets.Program{}
	}
	program, fresh, err := d.programs.Inspect(d.reader.Path(v.PID, "exe"))
	if err != nil {
		return gooffsets.Program{}
	}
	if fresh && (program.Source == gooffsets.UnknownRelease || program.Source == gooffsets.UnknownG) {
		d.unknownGo(v.Executable, program.Version)
	}
	return program
}

// serviceName decides service.name: what the process was told itself, the name
// of its container, of its systemd unit, of its program.
func (d *Describer) serviceName(v *View, environ map[string]string, given []Attribute, metadata container.Metadata, mainPackage string) string {
	if told := environ[serviceNameVariable]; told != "" {
		return told
	}
	for _, attribute := range given {
		if name, _ := attribute.Value.(string); attribute.Key == "service.name" && name != "" {
			return name
		}
	}
	if name := cmp.Or(metadata.Service, metadata.Name, v.place.ContainerName, d.serviceOfUnit(v, environ[mainPIDVariable])); name != "" {
		return name
	}
	if v.Executable == "" {
		return v.Stat.Comm
	}
	return naming.Program(&naming.Process{
		Executable: v.Executable, Args: v.args, MainPackage: mainPackage,
		Directory: func() string {
			directory, _ := d.reader.WorkingDirectory(v.PID) // else the name stands alone
			return directory
		},
	})
}

// resource puts the attributes in order. What the process was told overrides
// what was found out, except for its identity.
func (d *Describer) resource(p *Process, v *View, version string, metadata container.Metadata, given []Attribute) []Attribute {
	var a attributes
	a.set("service.name", p.Service)
	a.set("service.namespace", metadata.PodNS)
	a.set("service.instance.id", d.host.instanceID(p.PID, p.Start))
	a.set("process.pid", int64(p.PID))
	a.set("process.parent_pid", int64(p.Parent))
	a.set("process.creation.time", p.Created.Format(time.RFC3339Nano))
	a.set("process.executable.name", executableName(v))
	a.set("process.executable.path", v.Executable)
	if len(v.args) > 0 {
		a.set("process.command", commandName(v.args[0], v.Executable))
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

func executableName(v *View) string {
	if v.Executable == "" {
		return v.Stat.Comm
	}
	return path.Base(v.Executable)
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
func (d *Describer) owner(v *View) string {
	uid, err := d.reader.Owner(v.PID)
	if err != nil || v.place.ContainerID != "" && uid != 0 {
		return ""
	}
	return d.users.name(uid)
}
