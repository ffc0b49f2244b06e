package tailhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/buffer"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

// openJournal opens the journal, if there is a storage, and lets the shards know
// the decisions of an earlier run. They must not be running yet.
func (h *hook) openJournal(ctx context.Context, host component.Host) error {
	if h.cfg.Storage == nil {
		return nil
	}
	ext, ok := host.GetExtensions()[*h.cfg.Storage].(storage.Extension)
	if !ok {
		return fmt.Errorf("tailhook: storage: no storage extension with the id %q", h.cfg.Storage)
	}
	client, err := ext.GetClient(ctx, component.KindConnector, h.set.ID, "")
	if err != nil {
		return fmt.Errorf("tailhook: storage %q: %w", h.cfg.Storage, err)
	}
	h.journal, err = journal.Open(ctx, client, &journal.Options{
		Decisions: h.cfg.DecisionCache.SampledCacheSize + h.cfg.DecisionCache.NonSampledCacheSize,
		Failed:    h.tel.storageFailed,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("tailhook: storage %q: %w", h.cfg.Storage, err), client.Close(ctx))
	}
	return h.journal.Decisions(ctx, func(d journal.Decision) {
		s := h.shards[buffer.ShardOf(d.Trace, len(h.shards))]
		s.remember(d.Trace, d.Keep, markOf(d), 0)
	})
}

// markOf restores the mark of a decision. A threshold that nothing passes, which
// is no mark, is out of range, and so is a number that was not written here.
func markOf(d journal.Decision) policy.Mark {
	th, err := sampling.UnsignedToThreshold(d.Threshold)
	if err != nil {
		return noMark()
	}
	r, err := sampling.UnsignedToRandomness(d.Randomness)
	if err != nil {
		return noMark()
	}
	return policy.Mark{Threshold: th, Randomness: r}
}

// replay reads a call of an earlier run. It counts in the ledger, but is not
// refused: it was accepted before.
func (h *hook) replay(number uint64, data []byte, done journal.Finished) journal.Replayed {
	c := h.newCall()
	var u ptrace.ProtoUnmarshaler
	td, err := u.UnmarshalTraces(data)
	if err == nil {
		err = c.read(td)
	}
	if err != nil {
		h.set.Logger.Error("a stored call cannot be read", zap.Uint64("call", number), zap.Error(err))
		h.tel.lost(undecodable, 0)
		return journal.Replayed{}
	}
	c.number, c.finished = number, done
	h.ledger.held.Add(int64(c.size))
	return journal.Replayed{Fragments: len(c.Fragments()), Start: func() { h.spread(c) }}
}
