package main

import "net/http"

func (t *node) pages() http.Handler { return http.NotFoundHandler() }
