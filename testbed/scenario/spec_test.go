package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// repository is the top of this one.
const repository = "../.."

func TestTheCatalogIsValidAndComplete(t *testing.T) {
	specs, err := scenario.LoadAll(repository)
	require.NoError(t, err)
	groups := map[string]int{}
	for _, s := range specs {
		groups[s.Group]++
		assert.True(t, strings.HasPrefix(s.Entry.Classes[0].Path, "/"), s.Name)
	}
	for _, group := range []string{"processes", "threads", "java", "python", "loops", "go", "mixes", "hosts"} {
		assert.NotZero(t, groups[group], "no scenario in group %s", group)
	}
}

func TestABackendIsTakenFromItsFile(t *testing.T) {
	s, err := scenario.Load(repository, "go-databases")
	require.NoError(t, err)
	require.NotNil(t, s.Service("postgres"))
	assert.Equal(t, "log", s.Service("postgres").Witness.Kind)
	assert.False(t, s.Service("postgres").Target)
	assert.True(t, s.Service("app").Target)
	assert.Nil(t, s.Service("none"))
	assert.Equal(t, []string{"postgresql", "redis-server", "redis-tools"}, s.Packages())
}

// written returns a repository with one scenario in it, called one.
func written(t *testing.T, text string) string {
	root := t.TempDir()
	dir := filepath.Join(root, "testbed", "scenario", "catalog")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "one.yaml"), []byte(text), 0o644))
	return root
}

const valid = `
name: one
title: A title
group: java
capacity: 5
services:
  - name: app
    target: true
    run: [app]
entry:
  service: app
  classes:
    - {name: work, path: "/work?id={id}", calls: {/b1: 1}}
`

func TestAValidScenario(t *testing.T) {
	s, err := scenario.Load(written(t, valid), "one")
	require.NoError(t, err)
	assert.Equal(t, 1, s.Entry.Classes[0].Weight, "the default")
}

func TestAnInvalidScenarioNamesTheKey(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"another name than its file's": {"name: one", "name: two", "name: want that of the file"},
		"no title":                     {"title: A title", "", "title, group, capacity"},
		"no capacity":                  {"capacity: 5", "", "title, group, capacity"},
		"nothing to run":               {"run: [app]", "", "nothing to run"},
		"no target":                    {"target: true", "", "no target"},
		"an unknown host":              {"target: true", "target: true\n    host: mars", `on host "mars"`},
		"an unknown entry":             {"service: app", "service: web", `no service "web"`},
		"a path without a token":       {"?id={id}", "", "has no {id}"},
		"a call to nobody":             {"/b1: 1", "oracle: 1", `calls "oracle"`},
		"an unknown key":               {"group: java", "group: java\nflavour: mint", "flavour"},
		"an unknown backend":           {"run: [app]", "use: oracle", "use oracle"},
		"no classes":                   {"    - {name: work, path: \"/work?id={id}\", calls: {/b1: 1}}\n", "    []\n", "entry.classes"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(valid, tc.old, tc.new, 1)
			require.NotEqual(t, valid, text)
			root := written(t, text)
			_, err := scenario.Load(root, "one")
			assert.ErrorContains(t, err, tc.want)
			_, err = scenario.LoadAll(root)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAScenarioThatIsNotThere(t *testing.T) {
	_, err := scenario.Load(repository, "no-such")
	assert.ErrorIs(t, err, os.ErrNotExist)
	specs, err := scenario.LoadAll(t.TempDir())
	require.NoError(t, err)
	assert.Empty(t, specs)
}

func TestMissingPackagesAreNamed(t *testing.T) {
	missing, err := scenario.Missing(t.Context(), []string{"dpkg", "no-such-package-at-all"})
	require.NoError(t, err)
	assert.Equal(t, []string{"no-such-package-at-all"}, missing)
	missing, err = scenario.Missing(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, missing)
}

func TestInstallingNothingSaysNothing(t *testing.T) {
	var out strings.Builder
	require.NoError(t, scenario.Install(t.Context(), []string{"dpkg"}, &out))
	assert.Empty(t, out.String())
}
