//go:build unix

package dendrite

import (
	"bytes"
	_ "embed"
	"os"
	"text/template"
)

//go:embed dendrite.yaml
var configText string

var configTemplate = template.Must(template.New("dendrite.yaml").Parse(configText))

// writeConfig writes the configuration of a server whose paths are relative to
// the folder it runs in.
func writeConfig(path string, maxUpload int64) error {
	var b bytes.Buffer
	values := map[string]any{"Name": serverName, "Secret": secret, "MaxUpload": maxUpload}
	if err := configTemplate.Execute(&b, values); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}
