package policy

import (
	"context"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspanevent"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component"
)

// ottlCondition asks whether one of some OTTL conditions holds for a span or for
// one of its events. Conditions are safe for concurrent use.
type ottlCondition struct {
	ofSpans
	span  *ottl.ConditionSequence[*ottlspan.TransformContext]
	event *ottl.ConditionSequence[*ottlspanevent.TransformContext]
}

func newOTTLCondition(c *OTTLConditionConfig, set component.TelemetrySettings) (*ottlCondition, error) {
	cond := &ottlCondition{}
	var err error
	if len(c.Span) > 0 {
		if cond.span, err = spanConditions(c, set); err != nil {
			return nil, err
		}
	}
	if len(c.SpanEvent) > 0 {
		if cond.event, err = eventConditions(c, set); err != nil {
			return nil, err
		}
	}
	return cond, nil
}

func spanConditions(c *OTTLConditionConfig, set component.TelemetrySettings) (*ottl.ConditionSequence[*ottlspan.TransformContext], error) {
	funcs := ottlfuncs.StandardConverters[*ottlspan.TransformContext]()
	root := ottlfuncs.NewIsRootSpanFactory()
	funcs[root.Name()] = root
	parser, err := ottlspan.NewParser(funcs, set, ottlspan.EnablePathContextNames())
	if err != nil {
		return nil, err
	}
	return parse(ottlspan.ContextName, parser, c.Span, set,
		func(parsed []*ottl.Condition[*ottlspan.TransformContext]) ottl.ConditionSequence[*ottlspan.TransformContext] {
			return ottlspan.NewConditionSequence(parsed, set, ottlspan.WithConditionSequenceErrorMode(c.ErrorMode))
		})
}

func eventConditions(c *OTTLConditionConfig, set component.TelemetrySettings) (*ottl.ConditionSequence[*ottlspanevent.TransformContext], error) {
	funcs := ottlfuncs.StandardConverters[*ottlspanevent.TransformContext]()
	parser, err := ottlspanevent.NewParser(funcs, set, ottlspanevent.EnablePathContextNames())
	if err != nil {
		return nil, err
	}
	return parse(ottlspanevent.ContextName, parser, c.SpanEvent, set,
		func(parsed []*ottl.Condition[*ottlspanevent.TransformContext]) ottl.ConditionSequence[*ottlspanevent.TransformContext] {
			return ottlspanevent.NewConditionSequence(parsed, set, ottlspanevent.WithConditionSequenceErrorMode(c.ErrorMode))
		})
}

// parse goes through a collection of one parser, which lets a path be written
// with its context (span.name) or without (name).
func parse[K any](
	name string, parser ottl.Parser[K], conditions []string, set component.TelemetrySettings,
	sequence func([]*ottl.Condition[K]) ottl.ConditionSequence[K],
) (*ottl.ConditionSequence[K], error) {
	type result = *ottl.ConditionSequence[K]
	all, err := ottl.NewParserCollection(set,
		ottl.EnableParserCollectionModifiedPathsLogging[result](true),
		ottl.WithParserCollectionContext(name, &parser, ottl.WithConditionConverter(
			func(_ *ottl.ParserCollection[result], _ ottl.ConditionsGetter, parsed []*ottl.Condition[K]) (result, error) {
				s := sequence(parsed)
				return &s, nil
			})))
	if err != nil {
		return nil, err
	}
	return all.ParseConditionsWithContext(name, ottl.NewConditionsGetter(conditions), true)
}

func (c *ottlCondition) onSpan(v *view) (bool, error) {
	if c.span != nil {
		ctx := ottlspan.NewTransformContextPtr(v.resource, v.scope, v.span)
		yes, err := c.span.Eval(context.Background(), ctx)
		ctx.Close()
		if yes || err != nil {
			return yes, err
		}
	}
	if c.event == nil {
		return false, nil
	}
	return c.onEvents(v)
}

func (c *ottlCondition) onEvents(v *view) (bool, error) {
	for _, e := range v.span.Events().All() {
		ctx := ottlspanevent.NewTransformContextPtr(v.resource, v.scope, v.span, e)
		yes, err := c.event.Eval(context.Background(), ctx)
		ctx.Close()
		if yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}
