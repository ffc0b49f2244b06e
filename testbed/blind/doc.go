// Package blind scores linkers on spans that carry nothing but times: no trace
// ids, no parents, no evidence. The form of the files and the measure are those
// of the TraceWeaver evaluation (SIGCOMM 2024).
package blind
