"""Cells as JSON and as GeoJSON points."""

from dataclasses import asdict
from typing import Any

from .cells import CellCount

GEOJSON_COLOURS = {"Positive": [250, 62, 62], "Negative": [112, 112, 225]}


def cells_as_json(count: CellCount) -> dict[str, Any]:
    """Give the result of the `cells` command; places in level-0 pixels, whole numbers at pixel centres."""
    interval = count.interval
    return {
        "positive": count.positive,
        "negative": count.negative,
        "ratio": count.ratio,
        "interval": None if interval is None else list(interval),
        "mpp": count.mpp,
        "extent": "slide" if count.is_whole else "region",
        "region": list(count.region),
        "sensitivity": count.sensitivity,
        "fixed": count.fixed,
        "calibrated": count.calibrated,
        "warnings": list(count.warnings),
        "stain": asdict(count.stain) if count.stain else None,
        "parameters": count.parameters,
        "cells": [
            {
                "x": round(float(x), 3),
                "y": round(float(y), 3),
                "area_um2": round(float(area), 2),
                "dab": round(float(dab), 4),
                "positive": bool(positive),
            }
            for x, y, area, dab, positive in zip(
                count.x, count.y, count.area_um2, count.dab, count.is_positive, strict=True
            )
        ],
    }


def cells_as_geojson(count: CellCount) -> dict[str, Any]:
    """Give the cells as QuPath reads them: there a pixel's centre lies at one half."""
    features = []
    for x, y, area, dab, positive in zip(count.x, count.y, count.area_um2, count.dab, count.is_positive, strict=True):
        name = "Positive" if positive else "Negative"
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [round(float(x) + 0.5, 3), round(float(y) + 0.5, 3)]},
                "properties": {
                    "objectType": "detection",
                    "classification": {"name": name, "color": GEOJSON_COLOURS[name]},
                    "measurements": {"Area µm^2": round(float(area), 2), "DAB OD mean": round(float(dab), 4)},
                },
            }
        )
    return {"type": "FeatureCollection", "features": features}
