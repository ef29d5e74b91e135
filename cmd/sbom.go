package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// sbomFlag asks for the list of what is in the image.
func sbomFlag() cli.Flag {
	return &cli.StringFlag{Name: "sbom", Usage: "write what is installed in the image to `FILE`, as CycloneDX JSON"}
}

// setSBOM takes the flag. A place where nothing can be written is found before anything is done.
func (t *target) setSBOM(c *cli.Context) error {
	t.sbom = c.String("sbom")
	if t.sbom == "" {
		return nil
	}
	if info, err := os.Stat(t.sbom); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("--sbom %s: it is a directory", t.sbom)}
	}
	if _, err := os.Stat(filepath.Dir(t.sbom)); errors.Is(err, fs.ErrNotExist) {
		return usageError{fmt.Errorf("--sbom %s: there is no directory %s", t.sbom, filepath.Dir(t.sbom))}
	}
	return nil
}

// tellSBOM writes the list of what is in the image, where it is asked for.
func (t *target) tellSBOM(tasks *ui.Tasks, list func() ([]byte, error)) error {
	if t.sbom == "" {
		return nil
	}
	k := tasks.Start("sbom")
	content, err := list()
	if err == nil {
		err = os.WriteFile(t.sbom, content, 0o644)
	}
	if err != nil {
		k.Failed()
		return err
	}
	k.Done("%s", t.sbom)
	return nil
}

// tellPushedSBOM is tellSBOM of an image that the registry has had.
func (t *target) tellPushedSBOM(ctx context.Context, tasks *ui.Tasks, registry *build.Registry, ref string) error {
	return t.tellSBOM(tasks, func() ([]byte, error) {
		return registry.SBOM(ctx, ref, build.Image{Ref: t.project.Settings.Image.Repository + ":" + t.key, InputKey: t.key})
	})
}

// usedSBOM is tellSBOM of an image that others built.
func (t *target) usedSBOM(ctx context.Context, tasks *ui.Tasks, ref string) error {
	if t.sbom == "" {
		return nil
	}
	registry, err := build.Login(ctx, t.ecr)
	if err != nil {
		return err
	}
	return t.tellPushedSBOM(ctx, tasks, registry, ref)
}
