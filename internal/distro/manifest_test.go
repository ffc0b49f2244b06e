package distro

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/modfile"
)

const (
	root        = "../.."
	ownModule   = "github.com/otelcol-custom/otelcol-custom"
	collector   = "go.opentelemetry.io/collector/"
	fullName    = "builder-config.yaml"
	slimName    = "builder-config.slim.yaml"
	builderTool = collector + "cmd/builder"
)

// component is one entry of a manifest: "module version" and, if it is not the
// module's root, the package.
type component struct {
	GoMod  string `yaml:"gomod"`
	Import string `yaml:"import"`
	Name   string `yaml:"name"`
	Path   string `yaml:"path"`
}

// manifest is what ocb reads; unknown keys are errors.
type manifest struct {
	Dist struct {
		Module      string `yaml:"module"`
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
		Version     string `yaml:"version"`
		OutputPath  string `yaml:"output_path"`
		BuildTags   string `yaml:"build_tags"`
	} `yaml:"dist"`
	Receivers  []component `yaml:"receivers"`
	Exporters  []component `yaml:"exporters"`
	Extensions []component `yaml:"extensions"`
	Processors []component `yaml:"processors"`
	Connectors []component `yaml:"connectors"`
	Providers  []component `yaml:"providers"`
}

func (m *manifest) kinds() map[string][]component {
	return map[string][]component{
		"receivers": m.Receivers, "exporters": m.Exporters, "extensions": m.Extensions,
		"processors": m.Processors, "connectors": m.Connectors, "providers": m.Providers,
	}
}

func readManifest(t *testing.T, name string) *manifest {
	t.Helper()
	f, err := os.Open(filepath.Join(root, name))
	require.NoError(t, err)
	defer f.Close()
	m := &manifest{}
	decoder := yaml.NewDecoder(f)
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(m))
	return m
}

// required returns the version of every module in go.mod.
func required(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	file, err := modfile.Parse("go.mod", data, nil)
	require.NoError(t, err)
	require.Empty(t, file.Replace, "a replaced module is not what the manifest names")
	out := map[string]string{}
	for _, r := range file.Require {
		out[r.Mod.Path] = r.Mod.Version
	}
	return out
}

func TestManifestsNameTheVersionsOfGoMod(t *testing.T) {
	versions := required(t)
	for _, name := range []string{fullName, slimName} {
		m := readManifest(t, name)
		assert.Equal(t, ownModule, m.Dist.Module, name)
		for kind, components := range m.kinds() {
			assert.NotEmpty(t, components, "%s: %s", name, kind)
			for _, c := range components {
				module, version, ok := strings.Cut(c.GoMod, " ")
				require.True(t, ok, "%s: %s: %q is not \"module version\"", name, kind, c.GoMod)
				assert.Empty(t, c.Path, "%s: %s: a path would need a nested module", name, c.GoMod)
				if module == ownModule {
					assert.Equal(t, "v0.0.0", version, "%s: %s", name, c.Import)
					assert.True(t, strings.HasPrefix(c.Import, ownModule+"/"), "%s: %s", name, c.Import)
					continue
				}
				assert.Equal(t, versions[module], version, "%s: %s", name, module)
			}
		}
	}
}

// The generated main packages import otelcol and service without naming them in
// the manifest: they must be of the release that ocb generates for.
func TestOtelcolAndServiceAreOfTheBuildersRelease(t *testing.T) {
	versions := required(t)
	release := versions[builderTool]
	require.NotEmpty(t, release, "the builder is a tool of go.mod")
	for _, module := range []string{"otelcol", "service", "cmd/mdatagen"} {
		assert.Equal(t, release, versions[collector+module], module)
	}
}

func TestTheSlimManifestIsPartOfTheFullOne(t *testing.T) {
	full, slim := readManifest(t, fullName), readManifest(t, slimName)
	assert.Equal(t, full.Dist.Version, slim.Dist.Version)
	assert.Equal(t, full.Dist.BuildTags, slim.Dist.BuildTags)
	inFull := full.kinds()
	own := 0
	for kind, components := range slim.kinds() {
		assert.Subset(t, inFull[kind], components, kind)
		for _, c := range components {
			if c.Import != "" {
				own++
			}
		}
	}
	assert.Equal(t, 3, own, "receiver, processor and connector of our own")
}

func TestGeneratedMainPackagesAreCurrent(t *testing.T) {
	for _, name := range []string{fullName, slimName} {
		t.Run(name, func(t *testing.T) {
			m := readManifest(t, name)
			want := files(t, filepath.Join(root, m.Dist.OutputPath))
			got := files(t, generate(t, m))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s is stale, run make generate (-committed +generated):\n%s", m.Dist.OutputPath, diff)
			}
		})
	}
}

// generate runs ocb on m into a folder of its own and returns that.
func generate(t *testing.T, m *manifest) string {
	t.Helper()
	dir := t.TempDir()
	m.Dist.OutputPath = filepath.Join(dir, "out")
	data, err := yaml.Marshal(m)
	require.NoError(t, err)
	config := filepath.Join(dir, "manifest.yaml")
	require.NoError(t, os.WriteFile(config, data, 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "tool", "builder",
		"--skip-get-modules", "--skip-compilation", "--config", config)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return m.Dist.OutputPath
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(data)
	}
	return out
}
