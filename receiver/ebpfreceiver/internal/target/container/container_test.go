package container

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
)

const (
	id    = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
	outer = "0c28e01e77f0d1a0d1a9bd0ea4ae7ab9d9a3a9ff5ad6c1bbd2c2c9f9b3f4d5e6"
	uid   = "1f2a3b4c-5d6e-7f80-91a2-b3c4d5e6f708"
)

func TestLocateOnePath(t *testing.T) {
	underscored := strings.ReplaceAll(uid, "-", "_")
	for title, test := range map[string]struct {
		path string
		want Place
	}{
		"docker, cgroupfs":            {"/docker/" + id, Place{ContainerID: id}},
		"docker, systemd":             {"/system.slice/docker-" + id + ".scope", Place{ContainerID: id}},
		"docker, a parent":            {"/my-parent/" + id, Place{ContainerID: id}},
		"containerd, systemd":         {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + underscored + ".slice/cri-containerd-" + id + ".scope", Place{ContainerID: id, PodUID: uid}},
		"containerd, cgroupfs":        {"/kubepods/besteffort/pod" + uid + "/" + id, Place{ContainerID: id, PodUID: uid}},
		"containerd, both mixed":      {"/system.slice/containerd.service/kubepods-burstable-pod" + underscored + ".slice:cri-containerd:" + id, Place{ContainerID: id, PodUID: uid}},
		"guaranteed pod, systemd":     {"/kubepods.slice/kubepods-pod" + underscored + ".slice/cri-containerd-" + id + ".scope", Place{ContainerID: id, PodUID: uid}},
		"static pod":                  {"/kubepods/burstable/pod0123456789abcdef0123456789abcdef/" + id, Place{ContainerID: id, PodUID: "0123456789abcdef0123456789abcdef"}},
		"CRI-O":                       {"/kubepods.slice/kubepods-pod" + underscored + ".slice/crio-" + id + ".scope", Place{ContainerID: id, PodUID: uid}},
		"CRI-O with a group inside":   {"/kubepods.slice/kubepods-pod" + underscored + ".slice/crio-" + id + ".scope/container", Place{ContainerID: id, PodUID: uid}},
		"CRI-O's monitor is outside":  {"/kubepods.slice/kubepods-pod" + underscored + ".slice/crio-conmon-" + id + ".scope", Place{PodUID: uid}},
		"podman":                      {"/machine.slice/libpod-" + id + ".scope/container", Place{ContainerID: id}},
		"podman of a user":            {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope", Place{ContainerID: id}},
		"podman's monitor is outside": {"/machine.slice/libpod-conmon-" + id + ".scope", Place{}},
		"podman, cgroupfs":            {"/libpod_parent/libpod-" + id, Place{ContainerID: id}},
		"nerdctl":                     {"/system.slice/nerdctl-" + id + ".scope", Place{ContainerID: id}},
		"docker in docker":            {"/docker/" + outer + "/docker/" + id, Place{ContainerID: id}},
		"kind":                        {"/docker/" + outer + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + underscored + ".slice/cri-containerd-" + id + ".scope", Place{ContainerID: id, PodUID: uid}},
		"systemd in a container":      {"/docker/" + id + "/system.slice/nginx.service", Place{ContainerID: id, Unit: "nginx.service"}},
		"ECS":                         {"/ecs/0123456789abcdef0123456789abcdef/" + id, Place{ContainerID: id}},
		"Fargate":                     {"/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-123456789", Place{ContainerID: "0123456789abcdef0123456789abcdef-123456789"}},
		"seen from another namespace": {"/../../cri-containerd-" + id + ".scope", Place{ContainerID: id}},
		"LXC":                         {"/lxc.payload.web1/system.slice/nginx.service", Place{ContainerName: "web1", Unit: "nginx.service"}},
		"LXC, older":                  {"/lxc/web1/init.scope", Place{ContainerName: "web1"}},
		"docker in LXC":               {"/lxc.payload.web1/docker/" + id, Place{ContainerID: id}},
		"LXC in a container":          {"/docker/" + id + "/lxc/web1", Place{ContainerName: "web1"}},
		"nspawn":                      {"/machine.slice/systemd-nspawn@web1.service/payload/system.slice/x.service", Place{ContainerName: "web1", Unit: "x.service"}},
		"service":                     {"/system.slice/nginx.service", Place{Unit: "nginx.service"}},
		"instance of a template":      {`/system.slice/system-postgresql.slice/postgresql@16-main.service`, Place{Unit: "postgresql@16-main.service"}},
		"escaped service":             {`/system.slice/dev\x2dhugepages.service`, Place{Unit: "dev-hugepages.service"}},
		"broken escape":               {`/system.slice/a\xzz\x4.service`, Place{Unit: `a\xzz\x4.service`}},
		"group inside a service":      {"/system.slice/shop.service/workers/3", Place{Unit: "shop.service"}},
		"session of a user":           {"/user.slice/user-1000.slice/session-3.scope", Place{}},
		"session manager of a user":   {"/user.slice/user-1000.slice/user@1000.service/init.scope", Place{}},
		"application of a desktop":    {"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-17.scope", Place{}},
		"service of a user":           {"/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service", Place{Unit: "shop.service"}},
		"run by systemd-run":          {"/system.slice/run-u12.service", Place{}},
		"run by a newer systemd-run":  {"/system.slice/run-p815-i4711.service", Place{}},
		"run by systemd-run's hash":   {"/system.slice/run-r0123456789abcdef0123456789abcdef.service", Place{}},
		"a service named run":         {"/system.slice/run-updates.service", Place{Unit: "run-updates.service"}},
		"the root":                    {"/", Place{}},
		"32 digits that are no id":    {"/process/0123456789abcdef0123456789abcdef", Place{}},
		"64 letters that are no id":   {"/process/" + strings.Repeat("g", 64), Place{}},
		"pod that is no uid":          {"/podium/pod-1", Place{}},
	} {
		t.Run(title, func(t *testing.T) {
			assert.Equal(t, test.want, Locate([]procfs.Cgroup{{Path: test.path}}))
		})
	}
}

func TestLocateSeveralHierarchies(t *testing.T) {
	assert.Equal(t, Place{ContainerID: id, Unit: "docker.service"}, Locate([]procfs.Cgroup{
		{Controllers: "memory", Path: "/docker/" + id},
		{Controllers: "name=systemd", Path: "/system.slice/docker.service"},
		{Controllers: "", Path: "/"},
	}), "each tells what it knows")
	assert.Equal(t, Place{Unit: "a.service"}, Locate([]procfs.Cgroup{
		{Controllers: "cpu", Path: "/system.slice/c.service"},
		{Controllers: "", Path: "/system.slice/b.service"},
		{Controllers: "name=systemd", Path: "/system.slice/a.service"},
	}), "the best one first")
	assert.Equal(t, Place{}, Locate([]procfs.Cgroup{{Controllers: "cpu", Path: "/system.slice/c.service"}}), "units are systemd's")
	assert.Equal(t, Place{}, Locate(nil))
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestCatalogReadsWhatRuntimesWriteDown(t *testing.T) {
	const pod = `{"ociVersion":"1.1.0","process":{"env":["SECRET=1"]},"annotations":{`
	for title, test := range map[string]struct {
		path, text string
		want       Metadata
	}{
		"docker": {
			"var/lib/docker/containers/" + id + "/config.v2.json",
			`{"ID":"` + id + `","Name":"/shop-web-1","Config":{"Env":["A=1"],"Labels":{"com.docker.compose.service":"web","x":"y"}}}`,
			Metadata{Name: "shop-web-1", Service: "web"},
		},
		"docker without labels": {
			"var/lib/docker/containers/" + id + "/config.v2.json", `{"Name":"/shop","Config":{"Labels":null}}`, Metadata{Name: "shop"},
		},
		"containerd": {
			"run/containerd/io.containerd.runtime.v2.task/k8s.io/" + id + "/config.json",
			pod + `"io.kubernetes.cri.container-name":"web","io.kubernetes.cri.sandbox-name":"web-7f-x","io.kubernetes.cri.sandbox-namespace":"shop"}}`,
			Metadata{Name: "web", PodName: "web-7f-x", PodNS: "shop"},
		},
		"k3s": {
			"run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" + id + "/config.json",
			pod + `"io.kubernetes.cri.container-name":"web"}}`, Metadata{Name: "web"},
		},
		"CRI-O": {
			"run/containers/storage/overlay-containers/" + id + "/userdata/config.json",
			pod + `"io.kubernetes.container.name":"web","io.kubernetes.pod.name":"web-0","io.kubernetes.pod.namespace":"shop"}}`,
			Metadata{Name: "web", PodName: "web-0", PodNS: "shop"},
		},
		"podman, which names nothing": {
			"var/lib/containers/storage/overlay-containers/" + id + "/userdata/config.json", `{"annotations":{}}`, Metadata{},
		},
		"a file that is cut off": {
			"var/lib/docker/containers/" + id + "/config.v2.json", `{"Name":"/shop`, Metadata{},
		},
	} {
		t.Run(title, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, test.path, test.text)
			assert.Equal(t, test.want, NewCatalog(t.TempDir(), root).Lookup(id), "also below the second root")
		})
	}
}

func TestCatalogReadsOnce(t *testing.T) {
	root := t.TempDir()
	catalog := NewCatalog(root)
	path := "var/lib/docker/containers/" + id + "/config.v2.json"
	write(t, root, path, `{"Name":"/first"}`)
	assert.Equal(t, "first", catalog.Lookup(id).Name)
	write(t, root, path, `{"Name":"/second"}`)
	assert.Equal(t, "first", catalog.Lookup(id).Name)
	assert.Empty(t, catalog.Lookup(outer).Name)
}

func TestCatalogIsBounded(t *testing.T) {
	catalog := NewCatalog(t.TempDir())
	for i := range 3 * catalogEntries {
		catalog.Lookup(strings.Repeat("0", 56) + strings.Repeat(string("0123456789abcdef"[i%16]), 4) + hex4(i))
		assert.LessOrEqual(t, len(catalog.known), catalogEntries)
	}
}

func hex4(i int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[i>>12&15], digits[i>>8&15], digits[i>>4&15], digits[i&15]})
}

func TestCatalogOpensNoOtherFiles(t *testing.T) {
	root := t.TempDir()
	write(t, root, "var/lib/docker/containers/config.v2.json", `{"Name":"/wrong"}`)
	for _, name := range []string{"", "..", "../../../etc/passwd", strings.Repeat("/", 64), id[:63]} {
		assert.Empty(t, NewCatalog(root).Lookup(name), name)
	}
}

func FuzzLocate(f *testing.F) {
	f.Add("/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-" + id + ".scope")
	f.Add(`/a\x2db.service/:x:`)
	f.Fuzz(func(t *testing.T, path string) {
		place := Locate([]procfs.Cgroup{{Path: path}})
		assert.LessOrEqual(t, len(place.ContainerID), 128)
		if place.Unit != "" {
			assert.True(t, strings.HasSuffix(place.Unit, ".service"))
		}
		if place.PodUID != "" {
			assert.Contains(t, []int{32, 36}, len(place.PodUID))
		}
	})
}
