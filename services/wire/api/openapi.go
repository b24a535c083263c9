package api

import (
	"encoding"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/wire"
)

// describe answers with OpenAPI, made of the routes and of the types that they take and answer.
func (d *door) describe(w http.ResponseWriter, _ *http.Request) { answer(w, description(d.routes())) }

type object = map[string]any

func description(routes []route) object {
	s := schemas{}
	paths := object{}
	for _, r := range routes {
		answers := object{"200": object{"description": "OK", "content": content(s, r)}}
		for _, status := range append([]int{http.StatusForbidden, http.StatusServiceUnavailable}, r.statuses...) {
			answers[strconv.Itoa(status)] = object{
				"description": http.StatusText(status),
				"content":     object{"application/json": object{"schema": s.of(reflect.TypeFor[wire.Error]())}},
			}
		}
		operation := object{"operationId": r.name, "summary": r.summary, "responses": answers}
		if params := parameters(r); len(params) > 0 {
			operation["parameters"] = params
		}
		switch r.body.(type) {
		case nil:
		case string:
			operation["requestBody"] = object{"required": true, "content": object{"text/plain": object{"schema": object{"type": "string"}}}}
		default:
			operation["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.of(reflect.TypeOf(r.body))}}}
		}
		methods, ok := paths[r.path].(object)
		if !ok {
			methods = object{}
			paths[r.path] = methods
		}
		methods[strings.ToLower(r.method)] = operation
	}
	for _, t := range []reflect.Type{reflect.TypeFor[wire.Record](), reflect.TypeFor[wire.Change]()} { // of /records/follow
		s.of(t)
	}
	return object{
		"openapi": "3.1.0",
		"info": object{"title": "netlab wire", "version": "1",
			"description": "Every packet of one service with what became of it, and a link that can be broken on purpose. Requests must name the server by address, as localhost, or by a name without dots."},
		"paths":      paths,
		"components": object{"schemas": s},
	}
}

func content(s schemas, r route) object {
	switch {
	case r.answer != nil:
		return object{"application/json": object{"schema": s.of(reflect.TypeOf(r.answer))}}
	case r.name == "follow":
		return object{"application/x-ndjson": object{}, "text/event-stream": object{}}
	case r.name == "capture":
		return object{"application/x-pcapng": object{}}
	}
	return object{"application/json": object{}}
}

// parameters lists those of the path and of the query; one that changes something has a header, too.
func parameters(r route) (all []object) {
	for _, p := range r.params {
		schema := object{"type": "integer", "minimum": p.min}
		if p.max > 0 {
			schema["maximum"] = p.max
		}
		if p.values != nil {
			schema = object{"type": "string", "enum": p.values}
		}
		where := "query"
		if strings.Contains(r.path, "{"+p.name+"}") {
			where = "path"
		}
		all = append(all, object{"name": p.name, "in": where, "required": where == "path", "description": p.about, "schema": schema})
	}
	if r.method != http.MethodGet {
		all = append(all, object{"name": wire.Header, "in": "header", "required": true, "description": "Who asks.", "schema": object{"type": "string"}})
	}
	return all
}

// schemas are those of the types met so far, by name.
type schemas object

// of is the schema of a type as encoding/json writes it.
func (s schemas) of(t reflect.Type) object {
	switch {
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem())
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"type": "string"}
	case t == reflect.TypeFor[[]byte]():
		return object{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Struct:
		if _, known := s[t.Name()]; !known {
			s[t.Name()] = nil // a type may hold itself
			s[t.Name()] = s.structure(t)
		}
		return object{"$ref": "#/components/schemas/" + t.Name()}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	}
	return object{"type": "integer"}
}

func (s schemas) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		properties[name] = s.of(f.Type)
		if !strings.HasPrefix(options, "omit") {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return object{"type": "object", "properties": properties, "required": required}
}
