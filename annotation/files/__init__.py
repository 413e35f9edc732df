"""Files of labels: CSV, GeoJSON for QuPath, COCO. Reading and writing, no database."""

from annotation.files import coco, geojson, table
from annotation.files.rows import BadFile, LabelRow

FORMATS = {"csv": table, "geojson": geojson, "coco": coco}
MEDIA_TYPES = {"csv": "text/csv", "geojson": "application/geo+json", "coco": "application/json"}
SUFFIXES = {"csv": "csv", "geojson": "geojson", "coco": "coco.json"}

__all__ = ["FORMATS", "MEDIA_TYPES", "SUFFIXES", "BadFile", "LabelRow"]
