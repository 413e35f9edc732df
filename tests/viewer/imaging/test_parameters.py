import json

import pytest

from viewer.imaging.parameters import METHOD_VERSION, CountParameters

CALIBRATED = CountParameters(
    white_point=(241.0, 240.0, 243.0), detection_threshold=0.0712, calibrated_on="a slide", warnings=("look",)
)


def test_parameters_survive_json():
    assert CountParameters.from_dict(json.loads(json.dumps(CALIBRATED.as_dict()))) == CALIBRATED


def test_the_json_form_names_method_and_version():
    stored = CALIBRATED.as_dict()
    assert (stored["method"], stored["method_version"]) == ("hdab-nuclei", METHOD_VERSION)


def test_parameters_of_another_method_are_refused():
    with pytest.raises(ValueError, match="'network'"):
        CountParameters.from_dict({"method": "network"})


def test_an_unknown_parameter_is_refused_by_name():
    with pytest.raises(ValueError, match="Unknown parameters: sigma"):
        CountParameters.from_dict({"sigma": 3})


def test_thresholds_may_be_overridden_by_hand():
    assert CALIBRATED.overridden() == CALIBRATED
    changed = CALIBRATED.overridden(detection_threshold=0.1, dab_threshold=0.3)
    assert (changed.detection_threshold, changed.dab_threshold) == (0.1, 0.3)
    assert changed.white_point == CALIBRATED.white_point
