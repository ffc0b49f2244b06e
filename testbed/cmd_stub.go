package main

import (
	"context"
	"errors"
	"io"
)

var errLater = errors.New("later")

func runMask(context.Context, []string, io.Writer) error     { return errLater }
func runScore(context.Context, []string, io.Writer) error    { return errLater }
func runBaseline(context.Context, []string, io.Writer) error { return errLater }
func runBlind(context.Context, []string, io.Writer) error    { return errLater }
