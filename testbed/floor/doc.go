// Package floor holds what accuracy must not fall below: a committed number for
// each scenario and load, only to be raised.
package floor
