package resource

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/naming"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs/procfstest"
)

const someID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"

// describe makes a process on a machine and describes it.
func describe(t *testing.T, m *procfstest.Machine, p procfstest.Process, commandArgs bool) *Process {
	t.Helper()
	p.PID = 20
	m.Run(p)
	host, err := ReadHost(m.Root)
	require.NoError(t, err)
	reader := procfs.New(m.Root)
	d := NewDescriber(reader, &Options{Host: host, Root: m.Root, CommandArgs: commandArgs})
	stat, err := reader.Stat(20)
	require.NoError(t, err)
	view, err := d.Look(20, stat)
	require.NoError(t, err)
	description, err := d.Describe(view)
	require.NoError(t, err)
	return description
}

// get returns the value of a resource attribute.
func get(p *Process, key string) any {
	for _, attribute := range p.Resource {
		if attribute.Key == key {
			return attribute.Value
		}
	}
	return nil
}

func TestResourceIsCompleteAndInOrder(t *testing.T) {
	m := procfstest.New(t)
	m.Write("var/lib/docker/containers/"+someID+"/config.v2.json", `{"Name":"/shop-web-1","Config":{"Labels":{"com.docker.compose.service":"web"}}}`)
	p := describe(t, m, procfstest.Process{
		Parent: 7, Start: 123456, Exe: "/usr/bin/python3.11", Args: []string{"python3", "/srv/till.py", "--password=hunter2"}, Cgroup: "0::/docker/" + someID + "\n",
		Env: []string{"OTEL_RESOURCE_ATTRIBUTES=team=blue%2Cred,host.name=given", "SECRET=x"}, NetNS: 4026531999,
	}, false)
	want := []Attribute{
		{"service.name", "web"},
		{"service.instance.id", get(p, "service.instance.id")},
		{"process.pid", int64(20)},
		{"process.parent_pid", int64(7)},
		{"process.creation.time", "2023-11-14T22:33:54.56Z"},
		{"process.executable.name", "python3.11"},
		{"process.executable.path", "/usr/bin/python3.11"},
		{"process.command", "python3"},
		{"process.owner", "root"},
		{"process.runtime.name", "cpython"},
		{"process.runtime.version", "3.11"},
		{"host.id", "3d1219c7c4c5404aaa1f6d2a48adfda4"},
		{"host.name", "given"},
		{"os.type", "linux"},
		{"container.id", someID},
		{"container.name", "shop-web-1"},
		{"team", "blue,red"},
	}
	assert.Empty(t, cmp.Diff(want, p.Resource))
	p.Resource = nil
	assert.Empty(t, cmp.Diff(&Process{
		PID: 20, Parent: 7, Start: 123456, Created: p.Created, NetNS: 4026531999, Service: "web",
		Executable: "/usr/bin/python3.11", ContainerID: someID, Runtime: naming.Python,
	}, p))
}

func TestResourceInKubernetes(t *testing.T) {
	const uid = "1f2a3b4c-5d6e-7f80-91a2-b3c4d5e6f708"
	m := procfstest.New(t)
	m.Write("proc/1/root/run/containerd/io.containerd.runtime.v2.task/k8s.io/"+someID+"/config.json",
		`{"annotations":{"io.kubernetes.cri.container-name":"web","io.kubernetes.cri.sandbox-name":"web-7f-x","io.kubernetes.cri.sandbox-namespace":"shop"}}`)
	p := describe(t, m, procfstest.Process{Exe: "/app/main", Cgroup: "0::/kubepods/burstable/pod" + uid + "/" + someID + "\n"}, false)
	for key, want := range map[string]string{
		"service.name": "web", "service.namespace": "shop", "container.id": someID, "container.name": "web", "k8s.container.name": "web",
		"k8s.pod.name": "web-7f-x", "k8s.namespace.name": "shop", "k8s.pod.uid": uid,
	} {
		assert.Equal(t, want, get(p, key), key)
	}
}

func TestServiceNamePrecedence(t *testing.T) {
	docker := "0::/docker/" + someID + "\n"
	for title, test := range map[string]struct {
		process procfstest.Process
		want    string
	}{
		"the variable of its own": {
			procfstest.Process{Env: []string{"OTEL_RESOURCE_ATTRIBUTES=service.name=b", "OTEL_SERVICE_NAME=a"}, Cgroup: docker, Exe: "/e"}, "a",
		},
		"the resource attributes": {
			procfstest.Process{Env: []string{"OTEL_RESOURCE_ATTRIBUTES=service.name=b"}, Cgroup: docker, Exe: "/e"}, "b",
		},
		"an empty variable counts as none": {
			procfstest.Process{Env: []string{"OTEL_SERVICE_NAME=", "OTEL_RESOURCE_ATTRIBUTES=service.name=b"}, Exe: "/e"}, "b",
		},
		"malformed attributes count as none": {
			procfstest.Process{Env: []string{"OTEL_RESOURCE_ATTRIBUTES=service.name=b,oops"}, Exe: "/e"}, "e",
		},
		"the container":                {procfstest.Process{Cgroup: docker, Exe: "/e"}, "shop"},
		"the system container":         {procfstest.Process{Cgroup: "0::/lxc.payload.web1/system.slice/nginx.service\n", Exe: "/e"}, "web1"},
		"the systemd service":          {procfstest.Process{Cgroup: "0::/system.slice/nginx.service\n", Exe: "/e"}, "nginx"},
		"the template of services":     {procfstest.Process{Cgroup: "0::/system.slice/postgresql@16-main.service\n", Exe: "/e"}, "postgresql"},
		"not the session of a user":    {procfstest.Process{Cgroup: "0::/user.slice/user-0.slice/session-3.scope\n", Exe: "/e"}, "e"},
		"the script":                   {procfstest.Process{Exe: "/usr/bin/python3", Args: []string{"python3", "/srv/till.py"}}, "till"},
		"the directory of a script":    {procfstest.Process{Exe: "/usr/bin/python3", Args: []string{"python3", "app.py"}, Directory: "/srv/till"}, "till"},
		"the executable":               {procfstest.Process{Exe: "/usr/sbin/nginx", Args: []string{"nginx: worker process"}}, "nginx"},
		"no arguments at all":          {procfstest.Process{Exe: "/usr/bin/python3", Args: []string{}}, "python3"},
		"a name that is no valid text": {procfstest.Process{Exe: "/usr/bin/a\xffb"}, "a\xffb"},
	} {
		t.Run(title, func(t *testing.T) {
			m := procfstest.New(t)
			m.Write("var/lib/docker/containers/"+someID+"/config.v2.json", `{"Name":"/shop"}`)
			p := describe(t, m, test.process, false)
			assert.Equal(t, test.want, p.Service)
			assert.Equal(t, strings.ToValidUTF8(test.want, "\uFFFD"), get(p, "service.name"))
		})
	}
}

func TestServiceOfUnit(t *testing.T) {
	const unit, other = "0::/system.slice/till.service\n", "0::/system.slice/agent.service\n"
	for title, test := range map[string]struct {
		process procfstest.Process
		others  []procfstest.Process
		want    string
	}{
		"is the name of its main process": {procfstest.Process{Parent: 1, Exe: "/e"}, nil, "till"},
		"is the name of its workers": {
			procfstest.Process{Parent: 11, Exe: "/e"}, []procfstest.Process{{PID: 11, Parent: 10, Exe: "/e", Cgroup: unit}, {PID: 10, Parent: 1, Exe: "/e", Cgroup: unit}}, "till",
		},
		"is the name if another unit started it": {
			procfstest.Process{Parent: 10, Exe: "/e"}, []procfstest.Process{{PID: 10, Parent: 1, Exe: "/usr/bin/manager", Cgroup: other}}, "till",
		},
		"is not that of what its main process starts": {
			procfstest.Process{Parent: 10, Exe: "/e"}, []procfstest.Process{{PID: 10, Parent: 1, Exe: "/usr/bin/agent", Cgroup: unit}}, "e",
		},
		"is not that of what it left behind": {
			procfstest.Process{Parent: 1, Exe: "/e", Env: []string{"SYSTEMD_EXEC_PID=10"}}, []procfstest.Process{{PID: 10, Parent: 1, Exe: "/usr/bin/agent", Cgroup: unit}}, "e",
		},
		"is the name of a daemon whose first process is gone": {procfstest.Process{Parent: 1, Exe: "/e", Env: []string{"SYSTEMD_EXEC_PID=10"}}, nil, "till"},
		"is the name of who systemd says it is":               {procfstest.Process{Parent: 1, Exe: "/e", Env: []string{"SYSTEMD_EXEC_PID=20"}}, nil, "till"},
		"does not mind a pid that means another process": {
			procfstest.Process{Parent: 1, Exe: "/e", Env: []string{"SYSTEMD_EXEC_PID=10"}}, []procfstest.Process{{PID: 10, Exe: "/x", Cgroup: other}}, "till",
		},
		"does not mind a pid that is none": {procfstest.Process{Parent: 1, Exe: "/e", Env: []string{"SYSTEMD_EXEC_PID=x"}}, nil, "till"},
		"is not looked for for ever": {
			procfstest.Process{Parent: 10, Exe: "/e"}, []procfstest.Process{{PID: 10, Parent: 10, Exe: "/e", Cgroup: unit}}, "e",
		},
	} {
		t.Run(title, func(t *testing.T) {
			m := procfstest.New(t)
			for _, other := range test.others {
				m.Run(other)
			}
			test.process.Cgroup = unit
			p := describe(t, m, test.process, false)
			assert.Equal(t, test.want, p.Service)
			assert.Equal(t, "till.service", p.Unit)
		})
	}
}

func TestDescribeNeedsNoPrivileges(t *testing.T) {
	m := procfstest.New(t)
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/till"})
	for _, name := range []string{"cmdline", "environ", "cgroup", "status", "ns/net"} {
		path := filepath.Join(m.Root, "proc/20", name)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o755)) // an error that does not mean: gone
	}
	host, err := ReadHost(m.Root)
	require.NoError(t, err)
	reader := procfs.New(m.Root)
	stat, err := reader.Stat(20)
	require.NoError(t, err)
	d := NewDescriber(reader, &Options{Host: host, Root: m.Root})
	view, err := d.Look(20, stat)
	require.NoError(t, err)
	p, err := d.Describe(view)
	require.NoError(t, err)
	assert.Equal(t, "till", p.Service)
	assert.Nil(t, get(p, "process.owner"))
	assert.Zero(t, p.NetNS)
}

func TestViewReadsEachFileOnce(t *testing.T) {
	m := procfstest.New(t)
	m.Run(procfstest.Process{PID: 20, Exe: "/e", Args: []string{"first"}, Cgroup: "0::/first\n"})
	host, err := ReadHost(m.Root)
	require.NoError(t, err)
	d := NewDescriber(procfs.New(m.Root), &Options{Host: host, Root: m.Root})
	view, err := d.Look(20, procfs.Stat{})
	require.NoError(t, err)
	for range 2 {
		args, err := d.Args(view)
		require.NoError(t, err)
		assert.Equal(t, []string{"first"}, args)
		paths, id, err := d.Groups(view)
		require.NoError(t, err)
		assert.Equal(t, []string{"/first"}, paths)
		assert.Empty(t, id)
		m.Run(procfstest.Process{PID: 20, Exe: "/e", Args: []string{"second"}, Cgroup: "0::/second\n"})
	}
}

func TestUsersAreBounded(t *testing.T) {
	m := procfstest.New(t)
	var text strings.Builder
	for i := range usersLimit + 10 {
		fmt.Fprintf(&text, "u%d:x:%d:0::\n", i, i)
	}
	m.Write("etc/passwd", text.String())
	u := newUsers(m.Root)
	assert.Equal(t, "u7", u.name(7))
	assert.Len(t, u.names, usersLimit)
}

func TestWhatTheProcessWasToldDoesNotChangeItsIdentity(t *testing.T) {
	m := procfstest.New(t)
	p := describe(t, m, procfstest.Process{Exe: "/e", Env: []string{
		"OTEL_RESOURCE_ATTRIBUTES=host.id=h,process.pid=1,process.creation.time=t,service.instance.id=i,container.id=c,service.name=n",
	}}, false)
	assert.Equal(t, "3d1219c7c4c5404aaa1f6d2a48adfda4", get(p, "host.id"))
	assert.Equal(t, int64(20), get(p, "process.pid"))
	assert.Equal(t, "2023-11-14T22:13:30.2Z", get(p, "process.creation.time"))
	assert.Equal(t, "i", get(p, "service.instance.id"), "but this it may say")
	assert.Equal(t, "c", get(p, "container.id"))
	assert.Equal(t, "i", get((&Host{}).Fork(p, 21, 5), "service.instance.id"), "for its forks too")
}

func TestArgumentsStaySecretUnlessAskedFor(t *testing.T) {
	m := procfstest.New(t)
	process := procfstest.Process{Exe: "/usr/bin/till", Args: []string{"/opt/my till/till", "--password", "hunter2", "\xff"}}
	p := describe(t, m, process, false)
	for _, attribute := range p.Resource {
		assert.NotContains(t, fmt.Sprint(attribute.Value), "hunter2")
	}
	assert.Equal(t, "/opt/my", get(p, "process.command"), "a blank may be where a title begins")
	p = describe(t, m, process, true)
	assert.Equal(t, []string{"/opt/my till/till", "--password", "hunter2", "\uFFFD"}, get(p, "process.command_args"))
}

func TestCommandName(t *testing.T) {
	for _, test := range []struct{ arg, executable, want string }{
		{"/usr/bin/till", "/usr/bin/till", "/usr/bin/till"},
		{"till", "/usr/bin/till", "till"},
		{"my till", "/usr/bin/my till", "my till"},
		{"nginx: worker process", "/usr/sbin/nginx", "nginx"},
		{"postgres: shop 10.0.0.1(5) SELECT", "/usr/bin/postgres", "postgres"},
		{"-bash", "/bin/bash", "-bash"},
	} {
		assert.Equal(t, test.want, commandName(test.arg, test.executable))
	}
}

func TestOwner(t *testing.T) {
	docker := "0::/docker/" + someID + "\n"
	for title, test := range map[string]struct {
		process procfstest.Process
		want    any
	}{
		"has the host's name":              {procfstest.Process{UID: 33}, "www-data"},
		"is root in a container too":       {procfstest.Process{UID: 0, Cgroup: docker}, "root"},
		"is not named in a container":      {procfstest.Process{UID: 33, Cgroup: docker}, nil},
		"is not named if nobody named him": {procfstest.Process{UID: 1234}, nil},
	} {
		t.Run(title, func(t *testing.T) {
			test.process.Exe = "/e"
			assert.Equal(t, test.want, get(describe(t, procfstest.New(t), test.process, false), "process.owner"))
		})
	}
}

func TestUsersAreReadAgainWhenTheyChange(t *testing.T) {
	m := procfstest.New(t)
	u := newUsers(m.Root)
	assert.Equal(t, "www-data", u.name(33))
	assert.Empty(t, u.name(34))
	m.Write("etc/passwd", "bad line\nnobody:x:letters:1::\nroot:x:0:0::\ntoor:x:0:0::\nnew:x:34:34::/:/bin/sh\n")
	require.NoError(t, os.Chtimes(filepath.Join(m.Root, "etc/passwd"), u.modified.Add(1e9), u.modified.Add(1e9)))
	assert.Equal(t, "new", u.name(34))
	assert.Equal(t, "root", u.name(0), "the first of two names")
	require.NoError(t, os.Remove(filepath.Join(m.Root, "etc/passwd")))
	assert.Empty(t, u.name(34))
}

func TestParseResourceAttributes(t *testing.T) {
	for title, test := range map[string]struct {
		value string
		want  []Attribute
	}{
		"pairs":                          {"a=1,b=2", []Attribute{{"a", "1"}, {"b", "2"}}},
		"blanks around":                  {" a = 1 , b=2 ", []Attribute{{"a", "1"}, {"b", "2"}}},
		"percent-encoding":               {"a=x%2Cy%3Dz%20%C3%A9,k%2D=1", []Attribute{{"a", "x,y=z é"}, {"k-", "1"}}},
		"a plus is a plus":               {"a=1+2", []Attribute{{"a", "1+2"}}},
		"the value may hold equal signs": {"a=b=c", []Attribute{{"a", "b=c"}}},
		"empty pairs are passed over":    {",a=1,,", []Attribute{{"a", "1"}}},
		"empty values are left out":      {"a=,b=2", []Attribute{{"b", "2"}}},
		"the last of two counts":         {"a=1,a=2", []Attribute{{"a", "2"}}},
		"one without a value voids all":  {"a=1,b", nil},
		"one without a key voids all":    {"a=1,=2", nil},
		"a bad encoding voids all":       {"a=1,b=%zz", nil},
		"nothing":                        {"", nil},
		"what is not valid is replaced":  {"a=%ff", []Attribute{{"a", "\uFFFD"}}},
	} {
		t.Run(title, func(t *testing.T) { assert.Equal(t, test.want, parseResourceAttributes(test.value)) })
	}
	var many []string
	for i := range 3 * attributesLimit {
		many = append(many, "k"+strings.Repeat("x", i)+"=1")
	}
	assert.Len(t, parseResourceAttributes(strings.Join(many, ",")), attributesLimit)
}

func FuzzParseResourceAttributes(f *testing.F) {
	f.Add("a=1,b=%2C")
	f.Fuzz(func(t *testing.T, value string) {
		seen := map[string]bool{}
		for _, attribute := range parseResourceAttributes(value) {
			text, ok := attribute.Value.(string)
			assert.True(t, ok && text != "" && utf8.ValidString(text) && utf8.ValidString(attribute.Key))
			assert.False(t, seen[attribute.Key], "each once")
			seen[attribute.Key] = true
		}
	})
}

func TestInstanceID(t *testing.T) {
	host := &Host{ID: "h", BootID: "b"}
	id := host.instanceID(20, 5)
	assert.Regexp(t, "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id)
	assert.Equal(t, id, host.instanceID(20, 5))
	for _, other := range []string{
		host.instanceID(21, 5), host.instanceID(20, 6),
		(&Host{ID: "h2", BootID: "b"}).instanceID(20, 5), (&Host{ID: "h", BootID: "b2"}).instanceID(20, 5),
	} {
		assert.NotEqual(t, id, other)
	}
}

func TestReadHost(t *testing.T) {
	const machine, boot = "0123456789abcdef0123456789abcdef", "32a12e14-43fe-4d16-a50c-cfe158633ba3"
	for title, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"the machine's id":                       {map[string]string{"etc/machine-id": machine + "\n"}, machine},
		"that of D-Bus":                          {map[string]string{"var/lib/dbus/machine-id": machine}, machine},
		"not one that is still to be made":       {map[string]string{"etc/machine-id": "uninitialized\n", "var/lib/dbus/machine-id": machine}, machine},
		"that of process 1's file system":        {map[string]string{"etc/machine-id": "", "proc/1/root/etc/machine-id": machine}, machine},
		"that of the firmware":                   {map[string]string{"sys/class/dmi/id/product_uuid": "4C4C4544-0035-3010-8054-B7C04F503532\n"}, "4c4c4544-0035-3010-8054-b7c04f503532"},
		"this boot's, where there is no other":   {nil, boot},
		"the first one that there is of several": {map[string]string{"etc/machine-id": machine, "sys/class/dmi/id/product_uuid": "x"}, machine},
	} {
		t.Run(title, func(t *testing.T) {
			m := procfstest.New(t)
			require.NoError(t, os.Remove(filepath.Join(m.Root, "etc/machine-id")))
			for name, text := range test.files {
				m.Write(name, text)
			}
			host, err := ReadHost(m.Root)
			require.NoError(t, err)
			assert.Equal(t, test.want, host.ID)
			assert.Equal(t, "box", host.Name)
			assert.Equal(t, boot, host.BootID)
			assert.Equal(t, int64(1700000000), host.Boot.Unix())
		})
	}
}

func TestReadHostRefuses(t *testing.T) {
	m := procfstest.New(t)
	m.Write("proc/stat", "cpu 1\n")
	_, err := ReadHost(m.Root)
	assert.ErrorContains(t, err, "no btime")
	m.Write("proc/stat", "btime soon\n")
	_, err = ReadHost(m.Root)
	assert.ErrorContains(t, err, "read boot time")
}
