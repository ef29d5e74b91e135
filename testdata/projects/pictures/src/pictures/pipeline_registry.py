from pathlib import Path

from kedro.pipeline import node, pipeline


def mirror(picture):
    Path("notes.txt").write_text("not in the catalog")
    return [row[::-1] for row in picture] + picture


def threshold(picture):
    shades = [shade for row in picture for shade in row]
    return sum(shades) // len(shades)


def cut(picture, limit):
    return [[255 if shade > limit else 0 for shade in row] for row in picture]


def album(picture, limit):
    return {"limit.txt": str(limit), "pages/1.txt": str(picture)}


def register_pipelines():
    draw = pipeline([
        node(mirror, "shades", "mirrored_picture", name="mirror"),
        node(threshold, "mirrored_picture", "limit_model", name="threshold"),
    ])
    show = pipeline([
        node(cut, ["mirrored_picture", "limit_model"], "cut_picture", name="cut"),
        node(album, ["cut_picture", "limit_model"], "album", name="album"),
    ])
    return {"draw": draw, "show": show, "__default__": draw + show}
