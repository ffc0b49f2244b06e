package report

import (
	"fmt"
	"image/color"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

// Layout of the plots: one panel for each group of scenarios, and one that tells
// whose line is whose.
const (
	panelsPerRow = 3
	panelWidth   = 10 * vg.Centimeter
	panelHeight  = 7 * vg.Centimeter
)

// plots writes recall.svg and wrong.svg into dir.
func plots(dir string, cells []*sweep.Cell) error {
	recall := func(c score.Count) int { return c.Right }
	wrong := func(c score.Count) int { return c.Wrong }
	if err := drawPanels(filepath.Join(dir, "recall.svg"), "recall %", cells, recall); err != nil {
		return err
	}
	return drawPanels(filepath.Join(dir, "wrong.svg"), "wrong links %", cells, wrong)
}

func drawPanels(path, what string, cells []*sweep.Cell, part func(score.Count) int) error {
	groups := map[string][]*sweep.Cell{}
	for _, c := range cells {
		groups[c.Group] = append(groups[c.Group], c)
	}
	columns := min(panelsPerRow, len(groups)+1)
	rows := (len(groups) + columns) / columns
	canvas := vgsvg.New(panelWidth*vg.Length(columns), panelHeight*vg.Length(rows))
	if err := panels(draw.New(canvas), rows, columns, what, groups, part); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		_ = f.Close() // what counts has gone wrong
		return fmt.Errorf("draw %s: %w", path, err)
	}
	return f.Close()
}

// panels draws the groups by their names, and the legend behind them.
func panels(c draw.Canvas, rows, columns int, what string, groups map[string][]*sweep.Cell, part func(score.Count) int) error {
	const pad = 4 * vg.Millimeter
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: pad, PadY: pad, PadTop: pad, PadRight: pad, PadLeft: pad, PadBottom: pad}
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	for i, name := range append(slices.Sorted(maps.Keys(groups)), "") {
		p, err := panel(name, what, groups[name], part)
		if err != nil {
			return err
		}
		p.Draw(tiles.At(c, i%columns, i/columns))
	}
	return nil
}

// panel is one group, a line for each linker over the loads; without a name, the
// legend.
func panel(group, what string, cells []*sweep.Cell, part func(score.Count) int) (*plot.Plot, error) {
	p := plot.New()
	names := loads(cells)
	if group == "" {
		p.HideAxes()
		p.Legend.Top, p.Legend.Left = true, true
		p.Legend.Padding = vg.Millimeter
	} else {
		p.Title.Text, p.Y.Label.Text = group, what
		p.NominalX(names...)
		p.Add(plotter.NewGrid())
	}
	for i, linker := range linkers() {
		line, marks, err := plotter.NewLinePoints(points(cells, names, linker, part))
		if err != nil && group != "" {
			continue // nothing ran
		}
		if group == "" {
			line, marks = &plotter.Line{}, &plotter.Scatter{}
		}
		style(i, line, marks)
		if group == "" {
			p.Legend.Add(linker, line, marks)
			continue
		}
		p.Add(line, marks)
	}
	p.Y.Min, p.Y.Max = 0, 100
	return p, nil
}

func points(cells []*sweep.Cell, names []string, linker string, part func(score.Count) int) (out plotter.XYs) {
	for x, load := range names {
		sum := pooled(cells, load, linker)
		if n := sum.Total(); n > 0 {
			out = append(out, plotter.XY{X: float64(x), Y: 100 * float64(part(sum)) / float64(n)})
		}
	}
	return out
}

// style makes ours stand out, and each rival recognisable by colour and mark.
func style(i int, line *plotter.Line, marks *plotter.Scatter) {
	colors := []color.RGBA{
		{R: 0x00, G: 0x4d, B: 0xa8, A: 0xff}, {R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}, {R: 0xe6, G: 0x9f, B: 0x00, A: 0xff},
		{R: 0x8c, G: 0x56, B: 0x4b, A: 0xff}, {R: 0x00, G: 0x9e, B: 0x73, A: 0xff}, {R: 0x7f, G: 0x7f, B: 0x7f, A: 0xff},
		{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
	}
	shapes := []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.PyramidGlyph{}, draw.PlusGlyph{}, draw.CrossGlyph{}, draw.RingGlyph{},
	}
	line.Color, marks.Color = colors[i%len(colors)], colors[i%len(colors)]
	marks.Shape, marks.Radius = shapes[i%len(shapes)], vg.Points(2.5)
	line.Width = vg.Points(1)
	if i == 0 {
		line.Width, marks.Radius = vg.Points(2.5), vg.Points(3.5)
	}
}
