// Apiserver answers what the API server would say to custom resources, with its own code and without a cluster.
//
// Standard input is JSON: the definition, and objects by name, each with what is stored of it before, if anything.
// Standard output is JSON: what is said against the definition, and against each object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	objects "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	limits "k8s.io/apiserver/pkg/apis/cel"
)

type question struct {
	Definition v1.CustomResourceDefinition `json:"definition"`
	Objects    map[string]json.RawMessage  `json:"objects"`
	Before     map[string]json.RawMessage  `json:"before"`
}

type answer struct {
	Definition []string            `json:"definition"`
	Objects    map[string][]string `json:"objects"`
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	must(err)
	asked := question{}
	must(json.Unmarshal(text, &asked))
	definition := internal(&asked.Definition)
	said := answer{
		Definition: words(validation.ValidateCustomResourceDefinition(context.Background(), definition)),
		Objects:    map[string][]string{},
	}
	if len(said.Definition) == 0 {
		judge := newJudge(definition)
		for name, object := range asked.Objects {
			said.Objects[name] = judge.words(object, asked.Before[name])
		}
	}
	must(json.NewEncoder(os.Stdout).Encode(said))
}

func internal(definition *v1.CustomResourceDefinition) *apiextensions.CustomResourceDefinition {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	scheme.Default(definition)
	result := &apiextensions.CustomResourceDefinition{}
	must(scheme.Convert(definition, result, nil))
	result.Status.StoredVersions = []string{result.Spec.Versions[0].Name}
	return result
}

type judge struct {
	schema *schema.Structural
	types  objects.SchemaValidator
	rules  *cel.Validator
}

func newJudge(definition *apiextensions.CustomResourceDefinition) judge {
	said := definition.Spec.Validation
	if said == nil {
		said = definition.Spec.Versions[0].Schema
	}
	structural, err := schema.NewStructural(said.OpenAPIV3Schema)
	must(err)
	types, _, err := objects.NewSchemaValidator(said.OpenAPIV3Schema)
	must(err)
	return judge{structural, types, cel.NewValidator(structural, true, limits.PerCallLimit)}
}

func (j judge) words(text, before json.RawMessage) []string {
	object := j.read(text)
	said := objects.ValidateCustomResource(nil, object, j.types)
	said = append(said, listtype.ValidateListSetsAndMaps(nil, j.schema, object)...)
	if len(said) > 0 {
		return words(said)
	}
	var old any
	if before != nil {
		old = j.read(before)
	}
	said, _ = j.rules.Validate(context.Background(), nil, j.schema, object, old, limits.RuntimeCELCostBudget)
	return words(said)
}

func (j judge) read(text json.RawMessage) map[string]any {
	object := map[string]any{}
	must(utiljson.Unmarshal(text, &object))
	defaulting.PruneNonNullableNullsWithoutDefaults(object, j.schema)
	defaulting.Default(object, j.schema)
	return object
}

func words(errors field.ErrorList) []string {
	result := []string{}
	for _, err := range errors {
		result = append(result, err.Error())
	}
	return result
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
